"""What no service's reader knows: whose words it is, told from the file itself."""

from pathlib import Path

import pytest

from align.ingest.contents import Content, Document, Message
from align.ingest.detection import detect
from align.ingest.reader import Options, Reader, ReadLog
from align.ingest.readers.transcript import READERS
from tests.ingest.source_trees import FEW, MANY, survives_damage, write_folder

IRSSI = """--- Log opened Wed May 17 10:00:00 2023
10:14 -!- bo [~b@x.org] has joined #harbour
10:14 < bo> is it dry?
10:15 <@ann> bone dry, and 12.04 is LTS
10:16  * ann waves
10:17 < bo> well then
--- Day changed Thu May 18 2023
10:18 < ann> a new day
"""
# What each program writes before a chat, and of each of its messages.
FORMS = {
    "irssi": ("--- Log opened Wed May 17 10:00:00 2023\n", "10:1{n} < {name}> {text}\n"),
    "ubuntu": ("=== cy is now known as cy_\n", "[10:1{n}] <{name}> {text}\n"),
    "znc": ("[10:10:00] *** Joins: cy (c@x.org)\n", "[10:1{n}:07] <{name}> {text}\n"),
    "weechat": ("", "2023-05-17 10:1{n}:00\t{name}\t{text}\n"),
    "no times": ("", "<{name}> {text}\n"),
    "imessage": ("", "May 17, 2023 10:1{n}:00 AM (Read by you)\n{name}\n{text}\n\n"),
    "imessage, german": ("", "17. Mai 2023 10:1{n}\n{name}\n{text}\n\n"),
    "teams": ("", "[17.05. 10:1{n}] {name}\n{text}\n\n"),
    "teams, us": ("", "[5/17 10:1{n} AM] {name}\n{text}\n\n"),
    "kakao pc": ("---- 2023년 5월 17일 수요일 ----\n", "[{name}] [오후 3:1{n}] {text}\n"),
    "kakao phone": ("", "2023년 5월 17일 오후 3:1{n}, {name} : {text}\n"),
    "line": ("[LINE] bo\n\n2023/05/17(水)\n", "10:1{n}\t{name}\t{text}\n"),
    "telegram, copied": ("", "{name}, [17.05.2023 10:1{n}]\n{text}\n\n"),
    "discord, copied": ("", "{name} — Today at 10:1{n} AM\n{text}\n"),
    "qq": ("", "2023-05-17 10:1{n}:00 {name}(12345)\n{text}\n\n"),
    "signal": ("", "[2023-05-17, 10:1{n}] {name}: {text}\n"),
    "skype": ("", "[5/17/2023 10:1{n}:00 AM] {name}: {text}\n"),
    "pidgin": ("Conversation with bo at Wed 17 May 2023\n", "(10:1{n}:00) {name}: {text}\n"),
    "linkedin, copied": ("", "{name}\n10:1{n} AM\n{text}\n\n"),
    "zoom": ("", "10:1{n}:00\t From {name} to Everyone : {text}\n"),
}  # fmt: skip
TALK = [("bo", "is it dry?"), ("ann", "bone dry"), ("bo", "well then")]
CHATS = {
    program: before + "".join(form.format(n=n, name=a, text=t) for n, (a, t) in enumerate(TALK, 4))
    for program, (before, form) in FORMS.items()
}
DAMAGED = ("irssi", "line", "imessage", "telegram, copied")
FILES = {f"{program}.txt": CHATS[program] for program in DAMAGED}
LONG = "\n\n".join(f"And so it went on, for the {nth} time." for nth in ("first", "second", "last"))


def read(folder: Path, text: str, name: str = "a.txt", **how: object) -> list[Content]:
    path = write_folder(folder, {name: text}) / name
    log, found = ReadLog(), []
    for each in detect([path], log):
        found += each.reader.read(each.inputs, log, Options(**how))  # type: ignore[arg-type]
    assert not log.problems
    return found


def said(found: list[Content]) -> list[tuple[str, str]]:
    return [(m.author, m.text) for m in found if isinstance(m, Message) and not m.reason]


@pytest.mark.parametrize("form", CHATS)
def test_a_chat_of_any_program_is_one(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, CHATS[form])
    assert said(found) == TALK
    # WhatsApp's reader takes what looks like its own.
    assert {m.source for m in found} <= {"messages", None}


def test_lines_of_the_service_are_nobodys(tmp_path: Path) -> None:
    found = read(tmp_path, IRSSI, "#harbour.log")
    assert [m.text for m in found if m.reason == "system"] == [
        "10:14 -!- bo [~b@x.org] has joined #harbour", "10:16  * ann waves",
    ]  # fmt: skip
    assert [str(m.time) for m in found if m.text in ("well then", "a new day")] == [
        "2023-05-17 10:17:00", "2023-05-18 10:18:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "17. Mai 2023\n\n10:02 met Bob\n10:30 met Ann\n" * 4,
        "Monday\n10:00 Breakfast\n11:00 Walk\nTuesday\n10:00 Breakfast\n11:00 Walk\n" * 3,
        "We met at 10:14 and left at 10:30.\n\nAt 11:00 Bo came: late.\n\nAt 12:00 we ate.\n" * 3,
        "12.04 is LTS\n12.10 is not: really\n12.04 is LTS\n",
        "Anna said: no.\n\nI said: yes.\n\n" + LONG,
        "Flour: two cups of it\nWater: one cup of it\nSalt: a bit\nYeast: a bit\nOil: some\n",
        "A. Begin.\n\nB. Go on.\n\nC. End.\n\nA. Begin again.\n\nB. Go on.\n",
        "NASA. They flew.\n\n" + LONG,
    ],
)
def test_what_one_person_wrote_stays_a_text(tmp_path: Path, text: str) -> None:
    assert all(isinstance(each, Document) for each in read(tmp_path, text))


def talk(*labels: str) -> str:
    return "".join(f"{label} Well.\n\n{LONG}\n\n" for label in labels)


@pytest.mark.parametrize(
    ("me", "labels"),
    [
        ("Ann Lee", ["BO:", "ANN LEE:", "BO:", "ANN LEE:"]),
        ("Ann Lee", ["Reporter:", "Ann Lee:", "Reporter:", "Ann Lee:"]),
        ("Chair Lee", ["QUESTION:", "CHAIR LEE:", "QUESTION:", "CHAIR LEE:"]),
        ("chair lee", ["MR. QUILL.", "CHAIR LEE.", "MR. QUILL.", "CHAIR LEE."]),
        ("Ann", ["Frage:", "Ann:", "Frage:", "Ann:"]),
        ("A", ["Q.", "A.", "Q.", "A."]),
        ("Lee", ["**Bo:**", "**Lee:**", "**Bo:**", "**Lee:**"]),
    ],
)
def test_a_talk_is_one_however_long_the_answers_are(
    tmp_path: Path, me: str, labels: list[str]
) -> None:
    found = said(read(tmp_path, talk(*labels), me=(me,)))
    assert [author for author, _ in found] == [label.strip("*:.") for label in labels]
    assert {text for _, text in found} == {f"Well.\n\n{LONG}"}


def test_a_label_mistyped_by_a_letter_is_meant(tmp_path: Path) -> None:
    labels = ["MS. QUILL:", "CHAIRMAN LEE:"] * 6 + ["MS. QUILL:", "CHAIRIMAN LEE:", "MR. QUILL:"]
    authors = [author for author, _ in said(read(tmp_path, talk(*labels), me=("Chairman Lee",)))]
    assert authors[-2:] == ["CHAIRMAN LEE", "MR. QUILL"]


def test_of_what_is_doubtful_the_owner_says_whose_it_is(tmp_path: Path) -> None:
    text = "Ann: hi there\nBob: ho there\nAnn: hi again\nBob: well then\n"
    assert [author for author, _ in said(read(tmp_path, text))] == ["Ann", "Bob"] * 2
    [document] = read(tmp_path, text, is_mine=True)
    assert isinstance(document, Document)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_damage_is_survived(tmp_path: Path, reader: Reader) -> None:
    survives_damage(reader, FILES, tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_much_damage_is_survived(tmp_path: Path, reader: Reader) -> None:
    survives_damage(reader, FILES, tmp_path, MANY)
