from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Document, Message
from align.ingest.reader import ReadLog
from align.ingest.readers.subtitles import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    documents,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

TEAMS = """WEBVTT

8f1a2b3c-0001/12-0
00:00:01.040 --> 00:00:02.000
<v Ann Kell>Hello there.</v>

8f1a2b3c-0001/13-0
00:00:03.000 --> 00:00:04.000
<v Ann Kell>I am <i>Ann</i> &amp; I bake.</v>

8f1a2b3c-0001/14-0
00:01:05.000 --> 00:01:06.000
<v Bob>Hi. [coughs]</v>
"""
ZOOM = """WEBVTT

1
00:00:01.000 --> 00:00:02.000
Ann Kell: Hello there.

2
00:00:03.500 --> 00:00:04.000
Ann Kell: I bake.

3
00:00:05.000 --> 00:00:06.000
Bob: Hi.
"""
TALK = (
    "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>One day</i>\r\n\r\n"
    "2\r\n00:00:02,000 --> 00:00:03,000\r\n{\\an8}I went out.\r\n\r\n"
    "3\r\n00:00:09,000 --> 00:00:12,000\r\n[wind]\r\nIt rained &amp; rained.\r\n"
)
FILES = {
    "teams.vtt": TEAMS,
    "GMT20240501-100000_Recording.transcript.vtt": ZOOM,
    "talk.en.srt": TALK,
}


def test_speakers_of_voice_tags_are_read(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"2024-05-01 call.vtt": TEAMS}))
    chat, time = "m/2024-05-01 call.vtt", datetime(2024, 5, 1)
    assert found == [
        Message(
            chat, "Ann Kell", "Hello there. I am Ann & I bake.", time, title="Call", thread=chat
        ),
        Message(chat, "Bob", "Hi.", time, title="Call", thread=chat, raw="Hi. [coughs]"),
    ]


def test_zoom_names_the_speaker_in_the_text_and_the_start_in_the_name(root: Path) -> None:
    name = "GMT20240501-100000_Recording.transcript.vtt"
    found = read_with(READER, write_folder(root / "m", {name: ZOOM}))
    assert found == [
        Message(
            f"m/{name}",
            "Ann Kell",
            "Hello there. I bake.",
            datetime(2024, 5, 1, 10, 0, 1, tzinfo=UTC),
            thread=f"m/{name}",
        ),
        Message(
            f"m/{name}",
            "Bob",
            "Hi.",
            datetime(2024, 5, 1, 10, 0, 5, tzinfo=UTC),
            thread=f"m/{name}",
        ),
    ]


def test_a_talk_without_speakers_is_a_document(root: Path) -> None:
    found = read_with(READER, write_folder(root / "m", {"my_talk.en.srt": TALK}))
    assert found == [
        Document(
            "m/my_talk.en.srt",
            "One day I went out.\n\nIt rained & rained.",
            "My talk",
            raw="One day I went out.\n\n[wind] It rained & rained.",
        )
    ]


def test_captions_that_roll_are_said_once(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(
        "WEBVTT\nKind: captions\nLanguage: en\n\n"
        "00:00:00.000 --> 00:00:02.000 align:start position:0%\n"
        " \nhello<00:00:00.500><c> world</c>\n\n"
        "00:00:02.000 --> 00:00:02.010 align:start position:0%\nhello world\n \n\n"
        "00:00:02.010 --> 00:00:04.000 align:start position:0%\n"
        "hello world\nthis<00:00:02.500><c> is me</c>\n\n"
        "00:00:04.000 --> 00:00:04.010 align:start position:0%\nthis is me\n \n"
    )
    assert texts(read_with(READER, tmp_path)) == ["hello world this is me"]


def srt(*cues: str) -> str:
    return "".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i:02d},900\n{cue}\n\n" for i, cue in enumerate(cues, 1)
    )


def said(path: Path) -> list[tuple[str, str]]:
    return [(m.author, m.text) for m in messages(read_with(READER, path))]


def test_labels_hold_until_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        srt(
            "ANN: I went",
            "to the sea",
            "and back.",
            "- BOB: Why?\n- ANN: To see it.",
            ">> BOB: Ah.",
        )
    )
    assert said(tmp_path) == [
        ("ANN", "I went to the sea and back."),
        ("BOB", "Why?"),
        ("ANN", "To see it."),
        ("BOB", "Ah."),
    ]


def test_dashes_part_speakers_whom_nobody_names(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(srt("- Where were you?\n- At home.", "- Why?", "- It rained."))
    assert said(tmp_path) == [
        ("", "Where were you?"),
        ("", "At home."),
        ("", "Why?"),
        ("", "It rained."),
    ]


def test_two_voices_in_one_cue_are_two_turns(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Ann>Hi</v> <v Bob>Ho\nha</v>\n"
    )
    assert said(tmp_path) == [("Ann", "Hi"), ("Bob", "Ho ha")]


def test_a_saying_with_a_colon_makes_no_speaker(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        srt("I told him", "Remember this: go.", "Anyway: I went.", "So.")
    )
    assert len(documents(read_with(READER, tmp_path))) == 1


def test_zip_folder_and_file_say_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", FILES)
    expected = texts(read_with(READER, folder))
    assert len(expected) == 5
    assert texts(read_with(READER, write_zip(tmp_path / "a.zip", FILES))) == expected
    assert texts(read_with(READER, folder / "talk.en.srt")) == expected[2:3]


@pytest.mark.parametrize(
    "text", [TALK[40:], TALK[:-30], "garbage\n\n" + TALK, TALK.replace("2\r\n", "x\r\n")]
)
def test_of_a_damaged_file_the_rest_is_still_taken(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.srt").write_text(text)
    assert "I went out." in texts(read_with(READER, tmp_path))[0]


def test_a_head_that_is_missing_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(ZOOM.removeprefix("WEBVTT\n"))
    (tmp_path / "b.vtt").write_text("WEBVTT - made by --> something\n\n" + ZOOM[7:])
    assert texts(read_with(READER, tmp_path)) == ["Hello there. I bake.", "Hi."] * 2


def test_what_holds_no_subtitles_is_told(tmp_path: Path) -> None:
    log = ReadLog()
    write_folder(tmp_path, {"a.srt": "just text", "b.vtt": b"\x00\x01\x02\x03", "c.txt": ZOOM})
    assert read_with(READER, tmp_path, log=log) == []
    assert ["no subtitles in it" in str(log.problems[0]), "binary" in str(log.problems[1])] == [
        True,
        True,
    ]
    assert len(claimed(READER, tree_of(tmp_path, print))) == 2


def test_damage_is_survived(tmp_path: Path) -> None:
    survives_damage(READER, FILES, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_is_survived(tmp_path: Path) -> None:
    for name, content in FILES.items():
        survives_damage(READER, {name: content}, tmp_path / name, MANY // len(FILES))
