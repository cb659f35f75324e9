"""What no service's reader knows: whose words it is, told from the file itself."""

import json
import sqlite3
from pathlib import Path

import pytest

from align.ingest.contents import Content, Document, Message
from align.ingest.detection import detect
from align.ingest.intake import prepare, take_in
from align.ingest.reader import Options, Reader, ReadLog
from align.ingest.readers.transcript import READERS
from align.owner import Owner
from align.store.connection import in_memory
from align.store.records import iter_records
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
RULE = "Guild: x\n" + "=" * 60 + "\n"
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
    "DiscordChatExporter": (RULE, "[05/17/2023 10:1{n} AM] {name}\n{text}\n\n"),
    "slack, copied": ("", "{name}  10:1{n} AM\n{text}\n"),
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


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


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
        "CHORUS\nOh the sea\nOh the sea\n\nVERSE\nI went there\n\n" * 4,
        "CHAPTER ONE\n\nIt was late.\n\nCHAPTER TWO\n\nIt was early.",
        "Present: Ann, Bo\nApologies: Cy\n\n1. Boats. Ann said they leak.\n2. Ropes.\n",
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
        ("Ann Lee", ["INTERVIEWER\n", "ANN LEE\n", "INTERVIEWER\n", "ANN LEE\n"]),
        ("AL", ["BQ:", "AL:", "BQ:", "AL:"]),
        ("Ann", ["Frage:", "Ann:", "Frage:", "Ann:"]),
        ("A", ["Q.", "A.", "Q.", "A."]),
        ("Lee", ["**Bo:**", "**Lee:**", "**Bo:**", "**Lee:**"]),
    ],
)
def test_a_talk_is_one_however_long_the_answers_are(
    tmp_path: Path, me: str, labels: list[str]
) -> None:
    found = said(read(tmp_path, talk(*labels), me=(me,)))
    assert [author for author, _ in found] == [label.strip("*:.\n") for label in labels]
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


def page(block: str, *, newest_first: bool = False) -> str:
    blocks = [block.format(n=n, name=name, text=text) for n, (name, text) in enumerate(TALK, 4)]
    body = "".join(reversed(blocks) if newest_first else blocks)
    head = "<html><head><title>Harbour</title></head><body><div class='top'><h1>Harbour</h1></div>"
    return f"{head}<div role='main'>{body}</div></body></html>"


PAGES = {
    "DiscordChatExporter": page(
        '<div class="group"><span class="author" title="x">{name}</span><span class="timestamp">'
        '17/05/2023 10:1{n}</span><div class="content"><span>{text}</span></div></div>'
    ),
    "Facebook": page(
        '<div class="pam"><div class="_2ph_ _a6-h">{name}</div><div class="_2ph_ _a6-p"><div>'
        "<div></div><div>{text}</div></div></div>"
        '<div class="_a6-o">May 17, 2023, 10:1{n}:00 AM</div></div>',
        newest_first=True,
    ),
    "Instagram, Spanish": page(
        '<div class="pam"><h2 class="a">{name}</h2><div class="b"><div>{text}</div></div>'
        '<div class="c">17 may. 2023 10:1{n}</div></div>'
    ),
    "imessage-exporter": page(
        '<div class="message"><div class="sent"><p><span class="timestamp"><a>'
        "May 17, 2023 10:1{n}:00 AM</a> (Read by them after 3 seconds)</span>"
        '<span class="sender">{name}</span></p><hr>'
        '<div class="part"><span class="bubble">{text}</span></div></div></div>'
    ),
    "pidgin": page("<font size=2>(10:1{n}:00)</font> <b>{name}:</b> {text}<br/>\n"),
}


@pytest.mark.parametrize("program", PAGES)
def test_a_chat_kept_as_a_web_page_is_one(tmp_path: Path, program: str) -> None:
    found = read(tmp_path, PAGES[program], "a.html")
    assert said(found) == TALK
    times = [m.time for m in found if isinstance(m, Message) and m.time]
    assert times == sorted(times) and len(times) in (0, 3)


def test_who_goes_on_writing_is_named_once(tmp_path: Path) -> None:
    one = '<div class="g"><b class="n">{name}</b>'
    more = '<div class="m"><i class="t">17/05/2023 10:1{n}</i><p>{text}</p></div></div>'
    again = more.removesuffix("</div>").format(n=8, text="and then?")
    html = page(one + more).replace("</div></body>", f"{again}</div></body>")
    assert said(read(tmp_path, html, "a.html"))[-1] == ("bo", "and then?")


@pytest.mark.parametrize(
    "html",
    [
        page("<article><h2>Day {n}</h2><time>May 1{n}, 2023</time><p>{text} So.</p></article>"),
        "<html><body><article>" + f"<p>{LONG}</p>" * 9 + "</article>"
        + '<div class="c"><b>bo</b><i>May 17, 2023 10:14</i><p>yes</p></div>' * 3,
    ],
)  # fmt: skip
def test_a_page_with_dates_is_no_chat(tmp_path: Path, html: str) -> None:
    assert all(isinstance(each, Document) for each in read(tmp_path, html, "a.html"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Takeout/My Activity/Search/MyActivity.html", "<p>x</p>"),
        ("Takeout/Meine Aktivitäten/Suche/MeineAktivitäten.html",
         '<div class="outer-cell mdl-cell"><div class="content-cell mdl-cell">Gesucht: x<br>'
         "17.05.2023, 10:14:00</div></div>"),
        ("export/claps/claps-0001.html", "<p>Somebody else wrote this.</p>"),
        ("export/highlights/highlights-0002.html", "<p>Somebody else wrote this.</p>"),
        ("export/bookmarks/bookmarks-0001.html", "<p>Somebody else wrote this.</p>"),
        ("export/profile/profile.html", "<p>ann@x.org</p>"),
        ("Recommendations_Received.csv", "Text,Date\nAnn is a fine rope maker,2023-05-17\n"),
        ("your_likes/liked_posts.json", '[{"title": "a", "text": "Somebody else wrote this."}]'),
    ],
)  # fmt: skip
def test_what_others_wrote_is_passed_over_with_its_name(
    tmp_path: Path, name: str, content: str
) -> None:
    write_folder(tmp_path, {name: content, "own.html": "<p>What I liked about ropes.</p>"})
    log, found = ReadLog(), []
    for each in detect([tmp_path], log):
        found += each.reader.read(each.inputs, log, Options())
    assert [each.text for each in found] == ["What I liked about ropes."]
    assert name in "".join(log.passed_lines()) and not log.problems


@pytest.mark.parametrize(
    ("column", "mine", "others"),
    [
        ("is_sender", "1", "0"), ("is_from_me", "true", "false"), ("direction", "sent", "received"),
        ("direction", "outgoing", "incoming"), ("Direction", "Out", "In"), ("type", "2", "1"),
        ("folder", "sent", "inbox"), ("fromMe", "True", "False"),
        ("Richtung", "gesendet", "empfangen"),
    ],
)  # fmt: skip
def test_a_column_of_two_values_says_what_the_owner_wrote(
    tmp_path: Path, column: str, mine: str, others: str
) -> None:
    rows = f"date,phone,{column},body\n2023-05-17 10:14,+1555,{others},is it dry?\n"
    found = read(tmp_path, f"{rows}2023-05-17 10:15,+1555,{mine},bone dry\n", "sms.csv")
    assert [(m.is_owner, m.text) for m in found] == [(False, "is it dry?"), (True, "bone dry")]
    assert [m.author for m in found if isinstance(m, Message)] == ["+1555", ""]


def test_one_value_alone_says_nothing_beside_names(tmp_path: Path) -> None:
    rows = "From,To,Date,Content,Folder\nbo,ann,2023-05-17,is it dry?,INBOX\n"
    found = read(tmp_path, f"{rows}ann,bo,2023-05-18,bone dry,INBOX\n", "messages.csv")
    assert said(found) == TALK[:2]
    assert {m.is_owner for m in found} == {None}


@pytest.mark.parametrize(
    "header",
    ["Datum;Uhrzeit;Absender;Nachricht", "Date;Heure;Expéditeur;Texte",
     "Fecha;Hora;Remitente;Mensaje",
     "Data;Ora;Mittente;Messaggio", "Дата;Время;Отправитель;Сообщение", "日期;时间;发送者;内容"],
)  # fmt: skip
def test_columns_are_known_in_other_languages(tmp_path: Path, header: str) -> None:
    rows = '17.05.2023;10:14;bo;is it dry?\n17.05.2023;10:15;ann;"bone dry"\n'
    found = read(tmp_path, f"sep=;\n{header}\n{rows}", "chat.csv")
    assert said(found) == TALK[:2]
    assert [str(m.time) for m in found] == ["2023-05-17 10:14:00", "2023-05-17 10:15:00"]


def test_a_chat_whose_authors_no_column_names_is_asked_about(tmp_path: Path) -> None:
    write_folder(tmp_path, {"chat.csv": "to,body\nann,is it dry?\nbo,bone dry\n"})
    log = ReadLog()
    [each] = detect([tmp_path], log)
    assert list(each.reader.read(each.inputs, log, Options())) == []
    assert "chat.csv: whose words are these?" in str(log.problems[0])
    found = list(each.reader.read(each.inputs, log, Options(is_mine=True)))
    assert [each.text for each in found] == ["is it dry?", "bone dry"]


def test_a_service_that_nests_who_wrote_it_is_read(tmp_path: Path) -> None:
    messages = [
        {"creator": {"name": a, "email": f"{a}@x.org"}, "text": t,
         "created_date": "Wednesday, May 17, 2023 at 10:00:00\u202fAM UTC"} for a, t in TALK
    ]  # fmt: skip
    found = read(tmp_path, json.dumps({"messages": messages}), "messages.json")
    assert said(found) == TALK
    assert {str(m.time) for m in found} == {"2023-05-17 10:00:00+00:00"}


def test_metas_letters_are_mended_and_its_lines_are_nobodys(tmp_path: Path) -> None:
    def twice(text: str) -> str:
        return text.encode().decode("latin-1")

    texts = ["très bien \u2013 ça va 😀", "Reacted ❤ to your message", "Привет, это я"]
    rows = [
        {"sender_name": twice("Zoë"), "timestamp_ms": 1684318440000 + n, "content": twice(text)}
        for n, text in enumerate(texts)
    ]
    found = read(tmp_path, json.dumps({"participants": [], "messages": rows}), "message_1.json")
    assert said(found) == [("Zoë", texts[0]), ("Zoë", texts[2])]


@pytest.mark.parametrize(
    "entries",
    [
        [{"uuid": "A1", "creationDate": "2023-05-17T10:14:00Z",
          "text": "The tide\\. I told nobody\\.\n\n![](dayone-moment://ABC)"}],
        [{"date_journal": 1684318440000, "text": "The tide. I told nobody.", "id": "x"}],
        [{"date": "2023-05-17", "mood": "sad", "note": "The tide. I told nobody."}],
    ],
)  # fmt: skip
def test_a_journal_is_known_by_its_shape(tmp_path: Path, entries: list[dict[str, str]]) -> None:
    found = read(tmp_path, json.dumps({"metadata": {}, "entries": entries}), "Travels.json")
    assert [(d.source, d.text) for d in found] == [("journal", "The tide. I told nobody.")]


@pytest.mark.parametrize(
    ("mark", "note", "where"),
    [
        ("Your Highlight", "Your Note", "Added on Wednesday, May 17, 2023 10:15:00 AM"),
        ("Ihre Markierung", "Ihre Notiz", "Hinzugefügt am Mittwoch, 17. Mai 2023 10:15:00"),
        ("Tu subrayado", "Tu nota", "Añadido el miércoles, 17 de mayo de 2023 10:15:00"),
        ("Votre surlignement", "Votre note", "Ajouté le mercredi 17 mai 2023 10:15:00"),
    ],
)
def test_of_clippings_only_the_notes_are_the_owners(
    tmp_path: Path, mark: str, note: str, where: str
) -> None:
    said = [(mark, "A sentence of a novelist's."), (note, "So true of the harbour in March.")]
    text = "".join(f"The Sea (X)\n- {w} 4 | 50-52 | {where}\n\n{t}\n==========\n" for w, t in said)
    found = read(tmp_path, f"\ufeff{text}", "My Clippings.txt")
    assert [each.text for each in found] == ["So true of the harbour in March."]


def test_posts_of_the_owners_channel_are_documents(
    tmp_path: Path, conn: sqlite3.Connection
) -> None:
    said = [
        {"id": n, "type": "message", "date": "2023-05-01T12:00:00", "from": "Harbour Notes",
         "from_id": "channel77", "text": f"Post {n}. The tide took my boot.", **more}
        for n, more in enumerate(
            [{}, {"forwarded_from": "Harbour Notes"}, {"forwarded_from": "Bo Quill"}], 1
        )
    ]  # fmt: skip
    chat = {"name": "Harbour Notes", "type": "public_channel", "id": 77, "messages": said}
    write_folder(tmp_path, {"result.json": json.dumps(chat)})
    owner = Owner(name="Ann", aliases=["Harbour Notes"], held_out=0.0)
    take_in(conn, prepare([tmp_path], owner), owner)
    records = list(iter_records(conn, include_left_out=True))
    assert {r.kind for r in records} == {"document"}
    assert sorted(r.left_out or "" for r in records) == ["", "", "forwarded"]


def test_a_page_in_the_folder_of_a_saved_page_is_a_frame(tmp_path: Path) -> None:
    pages = {"low.html": "<p>Mine.</p>", "low_files/ad.html": "<p>Buy!</p>",
             "hoch.htm": "<p>Meins.</p>", "hoch-Dateien/ad.html": "<p>Kauf!</p>",
             "my_files/own.html": "<p>Mine too.</p>"}  # fmt: skip
    log, found = ReadLog(), []
    for each in detect([write_folder(tmp_path, pages)], log):
        found += each.reader.read(each.inputs, log, Options())
    assert sorted(each.text for each in found) == ["Meins.", "Mine too.", "Mine."]
