from datetime import datetime
from pathlib import Path

import pytest

from align.ingest.contents import Message
from align.ingest.formats.transcripts import is_name, without_directions
from align.ingest.reader import ReadLog
from align.ingest.readers.transcript import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

PLAIN = """# A talk with Ann

Bob Reed went to see her in spring.

BOB: When did you begin?

ANN: In the war. [laughs] Not that one.

I was small.

BOB: And then?

ANN: Then I baked. Anyway: it was long ago.

BOB: Bread?

ANN (crying): Cakes (laughter), mostly.
"""
OTTER = """Bob Reed  0:01
When did you begin?

Ann Kell  0:04
In the war.

Bob Reed  0:09
And then?

Ann Kell  1:02:10
Then I baked.
For years.

Bob Reed  1:03:00
Bread?

Ann Kell  1:03:04
Cakes, mostly.

Transcribed by a machine
"""
FILES = {"2024-05-01 talk.md": PLAIN, "old/otter.txt": OTTER}
SAID = ["When did you begin?", "In the war.", "And then?", "Then I baked.", "Bread?", "Cakes."]


def test_a_talk_is_read_turn_by_turn(root: Path) -> None:
    found = messages(read_with(READER, write_folder(root / "m", {"2024-05-01 talk.md": PLAIN})))
    chat, time = "m/2024-05-01 talk.md", datetime(2024, 5, 1)
    expected = [
        ("BOB", "When did you begin?", None),
        ("ANN", "In the war. Not that one.\n\nI was small.",
         "In the war. [laughs] Not that one.\n\nI was small."),
        ("BOB", "And then?", None),
        ("ANN", "Then I baked. Anyway: it was long ago.", None),
        ("BOB", "Bread?", None),
        ("ANN", "Cakes, mostly.", "Cakes (laughter), mostly."),
    ]  # fmt: skip
    assert found == [
        Message(chat, name, text, time, raw=raw, title="A talk with Ann", thread=chat)
        for name, text, raw in expected
    ]


def test_the_transcript_of_a_service_is_read(root: Path) -> None:
    found = messages(read_with(READER, write_folder(root / "m", {"otter.txt": OTTER})))
    assert [(m.author, m.text) for m in found][:4] == [
        ("Bob Reed", "When did you begin?"),
        ("Ann Kell", "In the war."),
        ("Bob Reed", "And then?"),
        ("Ann Kell", "Then I baked.\nFor years."),
    ]
    assert {m.thread for m in found} == {"m/otter.txt"}


@pytest.mark.parametrize(
    "form",
    [
        "{name}: {text}\n",
        "{name}: {text}\n\n",
        "**{name}:** {text}\n\n",
        "**{name}**: {text}\n\n",
        "__{name}:__ {text}\n\n",
        "{name} (00:12:03): {text}\n\n",
        "[00:12:03] {name}: {text}\n",
        "00:12 {name}: {text}\n",
        "**[00:12] {name}:** {text}\n\n",
        "{name}  0:12\n{text}\n\n",
        "**{name}** 0:12\n{text}\n\n",
        "{name} (00:12):\n{text}\n\n",
        "[{name}] 10:02:33\n{text}\n\n",
        "0:0:1.2 --> 0:0:3.400\n{name}\n{text}\n\n",
        "> **{name}:** {text}\n\n",
        "{name}\uff1a{text}\r\n",
    ],
)
def test_each_way_to_name_a_speaker_is_read(tmp_path: Path, form: str) -> None:
    names = ["Bob Reed", "Ann O'Kell"]
    talk = "".join(form.format(name=names[i % 2], text=text) for i, text in enumerate(SAID))
    (tmp_path / "a.txt").write_text(talk)
    found = messages(read_with(READER, tmp_path))
    assert [(m.author, m.text) for m in found] == [
        (names[i % 2], text) for i, text in enumerate(SAID)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Note: a\n\nWarning: b\n\nNote: c\n\nWarning: d\n\nTip: e\n\nNote: f\n\nTip: g\n",
        "Name: Ann\nPlace: Ulm\nColour: red\n\nName: Bob\nPlace: Bonn\nColour: blue\n" * 3,
        "Installation: run it.\nUsage: call it.\nLicense: free.\nAuthor: me.\n" * 3,
        "Ann: hi\nBob: ho\nAnn: hi\n",
        "\n\n".join(f"A paragraph of my own, number {i}." for i in range(12))
        + "\n\nAnn: hi\n\nBob: ho\n\nAnn: well\n\nBob: yes\n\nAnn: so\n\nBob: go\n",
        "Flour: two cups of it\nWater: one cup of it\nSalt: a bit\nYeast: a bit\nOil: some\n",
        "one thing: this\nanother: that\n" * 6,
        "### 1. A\n\n**Community Impact**: x y\n\n**Consequence**: y z\n\n" * 4,
        "Received: from a by b\nMessage-Id: a b\nMime-Version: 1.0\n" * 4,
        "10:02 met Bob\n10:30 met Ann\n" * 5,
        "",
    ],
)
def test_what_is_no_talk_is_left_to_others(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.txt").write_text(text)
    assert claimed(READER, tree_of(tmp_path, print)) == []


def test_names_are_told_from_other_words() -> None:
    names = ["Ann", "ANN", "Dr. Ann van der Berg", "Speaker 1", "李雷", "Jean-Luc", "Bob R."]
    others = ["Note", "one", "Meet at 12", "In the end", "Step 3", "https", "Monday"]
    assert [name for name in names if not is_name(name)] == []
    assert [name for name in others if is_name(name)] == []


def test_only_stage_directions_are_taken_out() -> None:
    text = "Yes [laughs], I (laughing) do [see](http://x.org) (really). *sighs* [inaudible 00:12]"
    assert without_directions(text) == "Yes, I do [see](http://x.org) (really)."


@pytest.mark.parametrize(
    "text",
    ["verbat[im] and USM[C]A", "$1½ [trillion] of it", "[t]he bank said [so]", "I saw [the] bank",
     "see [1] and [see](http://x.org)"],
)  # fmt: skip
def test_an_editors_brackets_are_text(text: str) -> None:
    assert without_directions(text) == text


@pytest.mark.parametrize(
    "direction",
    ["[Laughter]", "[laughs]", "(lacht)", "[Gelächter]", "(rires)", "[risas]", "[Applause.]",
     "[笑]", "[crosstalk 00:12]", "[Audience laughs]", "[Speaking in Spanish]", "*sighs*"],
)  # fmt: skip
def test_what_is_heard_is_not_said(direction: str) -> None:
    assert without_directions(f"Yes {direction}, I do.") == "Yes, I do."


def test_lines_that_an_editor_wrapped_are_joined(tmp_path: Path) -> None:
    long = "word " * 12 + "end\nof it.\n\nNext."
    talk = "".join(f"{'Ann' if i % 2 else 'Bob'}: {long}\n\n" for i in range(6))
    (tmp_path / "a.txt").write_text(talk)
    assert texts(read_with(READER, tmp_path))[0] == "word " * 12 + "end of it.\n\nNext."


def test_a_journal_stays_one(tmp_path: Path) -> None:
    found = messages(read_with(READER, write_folder(tmp_path, {"diary/a.txt": OTTER})))
    assert {m.source for m in found} == {"journal"}


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", FILES)
    expected = texts(read_with(READER, folder))
    assert len(expected) == 12
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "2024-05-01 talk.md")) == expected[:6]


def test_of_a_truncated_file_the_rest_is_still_taken(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(OTTER.replace("Cakes", "Gâteaux").encode()[:-40])
    assert len(read_with(READER, tmp_path)) == 6


def test_binary_is_told(tmp_path: Path) -> None:
    path = write_folder(tmp_path, {"a.txt": OTTER}) / "a.txt"
    (inputs,) = claimed(READER, tree_of(path, print))
    path.write_bytes(b"\x00\x01\x02\x03")
    log = ReadLog()
    assert list(READER.read(inputs, log, None)) == []  # type: ignore[arg-type]
    assert "binary" in str(log.problems[0])


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))
