import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Message
from align.ingest.reader import ReadLog
from align.ingest.readers.whatsapp import READER
from align.ingest.tree import tree_of
from tests.ingest.source_trees import (
    FEW,
    MANY,
    claimed,
    messages,
    read_with,
    survives_damage,
    write_folder,
    write_zip,
)

LRM, RLM, NARROW = "\u200e", "\u200f", "\u202f"

IPHONE = f"""[31.12.23, 23:58:01] Bob: {LRM}Messages and calls are end-to-end encrypted. No one \
outside of this chat, not even WhatsApp, can read or listen to them.
[31.12.23, 23:59:02] Ann K.: Happy new year!
Two lines,
and: a third
{LRM}[01.01.24, 00:00:03] Bob: {LRM}<attached: 00000004-PHOTO-2024-01-01-00-00-03.jpg>
{LRM}[01.01.24, 00:00:04] Bob: The view {LRM}<attached: 00000005-PHOTO-2024-01-01-00-00-04.jpg>
[01.01.24, 00:01:00] Ann K.: {LRM}image omitted
[01.01.24, 00:01:01] Ann K.: report.pdf • {LRM}3 pages {LRM}document omitted
[01.01.24, 00:02:00] Ann K.: Hi @\u2068Bob\u2069, all well {LRM}<This message was edited>
[01.01.24, 00:03:00] Ann K.: {LRM}You deleted this message.
[01.01.24, 00:04:00] Bob: {LRM}Missed voice call, {LRM}Tap to call back
[01.01.24, 00:05:00] Bob: {LRM}POLL:
Where to?
{LRM}OPTION: Sea (2 votes)
{LRM}OPTION: Hills (0 votes)
[01.01.24, 00:06:00] Bob: {LRM}Location: https://maps.google.com/?q=48.1,11.5
[01.01.24, 00:07:00] Ann K.: 10:30 works: see you
"""


def said(text: str, *at: int, by: str = "Ann K.", chat: str = "Bob", **more: Any) -> Message:
    return Message(chat=chat, author=by, text=text, time=datetime(*at), title=chat, **more)  # type: ignore[arg-type]


def system(text: str, *at: int, chat: str = "Bob") -> Message:
    return said(text, *at, by="", chat=chat, reason="system")


NOTICE = (
    "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, "
    "can read or listen to them."
)
IPHONE_GOLDEN = [
    system(NOTICE, 2023, 12, 31, 23, 58, 1),
    said("Happy new year!\nTwo lines,\nand: a third", 2023, 12, 31, 23, 59, 2),
    said(
        "",
        *(2024, 1, 1, 0, 0, 3),
        by="Bob",
        reason="media-only",
        raw="<attached: 00000004-PHOTO-2024-01-01-00-00-03.jpg>",
    ),
    said(
        "The view",
        *(2024, 1, 1, 0, 0, 4),
        by="Bob",
        raw="The view <attached: 00000005-PHOTO-2024-01-01-00-00-04.jpg>",
    ),
    said("", 2024, 1, 1, 0, 1, 0, reason="media-only"),
    said("", 2024, 1, 1, 0, 1, 1, reason="media-only"),
    said("Hi @Bob, all well", 2024, 1, 1, 0, 2, 0),
    system("You deleted this message.", 2024, 1, 1, 0, 3, 0),
    system("Missed voice call, Tap to call back", 2024, 1, 1, 0, 4, 0),
    said(
        "",
        *(2024, 1, 1, 0, 5, 0),
        by="Bob",
        reason="media-only",
        raw="POLL:\nWhere to?\nOPTION: Sea (2 votes)\nOPTION: Hills (0 votes)",
    ),
    said(
        "",
        *(2024, 1, 1, 0, 6, 0),
        by="Bob",
        reason="media-only",
        raw="Location: https://maps.google.com/?q=48.1,11.5",
    ),
    said("10:30 works: see you", 2024, 1, 1, 0, 7, 0),
]

ANDROID = f"""12/31/23, 11:58{NARROW}PM - Messages and calls are end-to-end encrypted.
12/31/23, 11:58{NARROW}PM - Bob created group "Trip: Rome"
12/31/23, 11:58{NARROW}PM - Ann K. changed the subject from "Trip: Rome" to "Trip: Oslo"
12/31/23, 11:59{NARROW}PM - Ann K.: Happy new year!

After a blank line
1/1/24, 12:00{NARROW}AM - +49 170 1234567: <Media omitted>
1/1/24, 12:01{NARROW}AM - Bob: {LRM}IMG-20240101-WA0001.jpg (file attached)
1/1/24, 12:02{NARROW}AM - Bob: {LRM}IMG-20240101-WA0002.jpg (file attached)
The view
from here
1/1/24, 12:03{NARROW}PM - Ann K.: <Media omitted>
my report.docx
1/1/24, 12:04{NARROW}PM - Ann K.: see you (at nine) <This message was edited>
1/1/24, 12:05{NARROW}PM - Ann K.: This message was deleted
1/1/24, 12:06{NARROW}PM - Ann K.: null
1/13/24, 1:07{NARROW}PM - Bob left
"""
ANDROID_GOLDEN = [
    system("Messages and calls are end-to-end encrypted.", 2023, 12, 31, 23, 58, chat="Trip"),
    system('Bob created group "Trip: Rome"', 2023, 12, 31, 23, 58, chat="Trip"),
    system(
        'Ann K. changed the subject from "Trip: Rome" to "Trip: Oslo"',
        *(2023, 12, 31, 23, 58),
        chat="Trip",
    ),
    said("Happy new year!\n\nAfter a blank line", 2023, 12, 31, 23, 59, chat="Trip"),
    said("", 2024, 1, 1, 0, 0, by="+49 170 1234567", chat="Trip", reason="media-only"),
    said(
        "",
        *(2024, 1, 1, 0, 1),
        by="Bob",
        chat="Trip",
        reason="media-only",
        raw="IMG-20240101-WA0001.jpg (file attached)",
    ),
    said(
        "The view\nfrom here",
        *(2024, 1, 1, 0, 2),
        by="Bob",
        chat="Trip",
        raw="IMG-20240101-WA0002.jpg (file attached)\nThe view\nfrom here",
    ),
    said(
        "",
        *(2024, 1, 1, 12, 3),
        chat="Trip",
        reason="media-only",
        raw="<Media omitted>\nmy report.docx",
    ),
    said("see you (at nine)", 2024, 1, 1, 12, 4, chat="Trip"),
    system("This message was deleted", 2024, 1, 1, 12, 5, chat="Trip"),
    said("", 2024, 1, 1, 12, 6, chat="Trip", reason="media-only", raw="null"),
    system("Bob left", 2024, 1, 13, 13, 7, chat="Trip"),
]


def test_a_zip_of_an_iphone_is_read(tmp_path: Path) -> None:
    log = ReadLog()
    photo = "00000004-PHOTO-2024-01-01-00-00-03.jpg"
    files: dict[str, bytes | str] = {
        "_chat.txt": IPHONE,
        photo: b"\xff\xd8",
        "00000009-report.pdf": b"%PDF",
    }
    archive = write_zip(tmp_path / "WhatsApp Chat - Bob.zip", files)
    assert read_with(READER, archive, log=log) == IPHONE_GOLDEN
    assert not log.problems and log.passed_over == {"files sent in chats": 2}


def test_an_unpacked_folder_its_parent_and_the_bare_file_are_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "WhatsApp Chat - Bob (1)", {"_chat.txt": IPHONE})
    assert read_with(READER, folder) == IPHONE_GOLDEN
    assert read_with(READER, tmp_path) == IPHONE_GOLDEN
    assert read_with(READER, folder / "_chat.txt") == IPHONE_GOLDEN


def test_androids_text_alone_zipped_and_beside_other_texts_is_read(tmp_path: Path) -> None:
    files = {"WhatsApp Chat with Trip.txt": ANDROID, "essay.txt": "12 things I learned: a list"}
    folder = write_folder(tmp_path / "exports", files)
    assert read_with(READER, folder) == ANDROID_GOLDEN
    assert read_with(READER, folder / "WhatsApp Chat with Trip.txt") == ANDROID_GOLDEN
    assert read_with(READER, write_zip(tmp_path / "any name.zip", files)) == ANDROID_GOLDEN


def test_documents_that_a_chat_names_are_taken_along_and_others_are_left(tmp_path: Path) -> None:
    chat = (
        f"12/05/2024, 10:00 - Ann: {LRM}their story.md (file attached)\n12/05/2024, 10:01 - Bob: ok"
    )
    files = {
        "WhatsApp Chat with Bob.txt": chat,
        "their story.md": "# Theirs",
        "my story.md": "# Mine",
        "sub/their story.md": "# Mine too",
    }
    [inputs] = claimed(READER, tree_of(write_folder(tmp_path, files), ReadLog().problem))
    assert inputs.names == ("WhatsApp Chat with Bob.txt", "their story.md")


# One moment, 13:02 (and 33 seconds) on the 25th of May 2024, as phones of many countries write it.
LOCALES = {
    "de": "25.05.24, 13:02 - ",
    "de iPhone": "[25.05.24, 13:02:33] ",
    "en-GB": "25/05/2024, 13:02 - ",
    "en-US": f"5/25/24, 1:02{NARROW}PM - ",
    "en-US iPhone": f"[5/25/24, 1:02:33{NARROW}PM] ",
    "en-AU": "25/5/2024, 1:02 pm - ",
    "en-CA": "2024-05-25, 1:02 p.m. - ",
    "es-MX": "25/5/24, 1:02 p.\u00a0m. - ",
    "fr": "25/05/2024 à 13:02 - ",
    "fr-CA": "2024-05-25 13 h 02 - ",
    "nl": "25-05-2024 13:02 - ",
    "sv": "2024-05-25 13:02 - ",
    "fi": "25.5.2024 klo 13.02 - ",
    "da": "25.05.2024 13.02 - ",
    "cs": "25. 5. 2024 13:02 - ",
    "hu": "2024. 05. 25. 13:02 - ",
    "bg": "25.05.24 \N{CYRILLIC SMALL LETTER GHE}., 13:02 - ",
    "ja": "2024/05/25 13:02 - ",
    "ko": "2024. 5. 25. 오후 1:02 - ",
    "zh": "2024/5/25 下午1:02 - ",
    "zh iPhone": "[2024/5/25 下午1:02:33] ",
    "ar": f"٢٥{RLM}/٥{RLM}/٢٠٢٤، ١:٠٢ م - ",  # noqa: RUF001
    "fa": "۲۰۲۴/۵/۲۵،\u200f ۱۳:۰۲ - ",  # noqa: RUF001
    "hi": "25/05/24, 1:02 अपराह्न - ",
    "he": f"25.5.2024, 13:02 - {RLM}",
    "th": "25/5/2567 13:02 - ",
    "tr": "25.05.2024 13:02 - ",
    "el": "25/5/24, 1:02 μ.μ. - ",
    "vi": "25/05/2024, 13:02 - ",
    "old iPhone": "25/05/2024, 13:02:33: ",
    "old iPhone of 12 hours": "25/05/24 1:02:33 PM: ",
}


@pytest.mark.parametrize("begin", LOCALES.values(), ids=LOCALES.keys())
def test_a_moment_is_the_same_in_every_country(tmp_path: Path, begin: str) -> None:
    text = f"{begin}Ann K.: one: two\n{begin}Bob: <3\n3/4 of it\n{begin}Bob joined\n"
    name = "WhatsApp Chat with Bob.txt"
    one, two, three = messages(read_with(READER, write_folder(tmp_path, {name: text})))
    time = datetime(2024, 5, 25, 13, 2, 33 if "33" in begin else 0)
    assert one == Message("Bob", "Ann K.", "one: two", time, title="Bob")
    assert two == Message("Bob", "Bob", "<3\n3/4 of it", time, title="Bob")
    assert three == Message("Bob", "", "Bob joined", time, reason="system", title="Bob")


@pytest.mark.parametrize(
    ("clock", "hour"),
    [
        ("12:05 AM", 0),
        ("12:05 PM", 12),
        ("11:05 a.m.", 11),
        ("上午12:05", 0),
        ("中午12:05", 12),
        ("中午11:05", 11),
        ("晚上11:05", 23),
        ("13:05 PM", 13),
        ("0:05", 0),
    ],
)
def test_clocks_of_twelve_hours_are_told(tmp_path: Path, clock: str, hour: int) -> None:
    name = "WhatsApp Chat with Bob.txt"
    text = f"2024/5/25 {clock} - Ann: hi\n"
    [found] = messages(read_with(READER, write_folder(tmp_path, {name: text})))
    assert found.time == datetime(2024, 5, 25, hour, 5)


def days(tmp_path: Path, *dates: str) -> tuple[list[str], ReadLog]:
    """Return the days that a chat with these dates is read with."""
    log = ReadLog()
    text = "".join(f"{date}, 10:00 - Ann: hi\n" for date in dates)
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    found = messages(read_with(READER, folder, log=log))
    return [m.time.strftime("%d %b %y") if m.time else "none" for m in found], log


def test_one_day_above_twelve_tells_the_order_of_all(tmp_path: Path) -> None:
    assert days(tmp_path, "1/2/24", "1/31/24")[0] == ["02 Jan 24", "31 Jan 24"]
    assert days(tmp_path, "1/2/24", "31/3/24")[0] == ["01 Feb 24", "31 Mar 24"]


def test_years_of_two_digits_may_stand_first(tmp_path: Path) -> None:
    found, log = days(tmp_path, "24-05-30", "24-05-31", "24-06-01")
    assert found == ["30 May 24", "31 May 24", "01 Jun 24"] and not log.problems


def test_dates_do_not_run_backwards(tmp_path: Path) -> None:
    found, log = days(tmp_path, "1/2/24", "2/1/24", "3/1/24")
    assert found == ["02 Jan 24", "01 Feb 24", "01 Mar 24"]
    assert not log.problems


def test_what_was_assumed_of_truly_ambiguous_dates_is_told(tmp_path: Path) -> None:
    found, log = days(tmp_path, "05/06/24")
    assert found == ["05 Jun 24"]
    assert "taken as day/month/year" in str(log.problems[0])
    found, log = days(tmp_path, "05/01/24", "05/02/24", "05/04/24")
    assert found == ["01 May 24", "02 May 24", "04 May 24"], "a chat of days, not of months"
    assert "taken as month/day/year" in str(log.problems[0])
    assert not days(tmp_path, "05/05/24")[1].problems


def test_dates_that_are_none_and_clocks_that_are_none_cost_the_time_alone(tmp_path: Path) -> None:
    found, log = days(tmp_path, "30/05/24", "31/02/24", "31/05/24")
    assert found == ["30 May 24", "none", "31 May 24"]
    assert "1 messages with a date that is none" in str(log.problems[0])


MEDIA = {
    "en": ("<Media omitted>", "image omitted", "file attached"),
    "de": ("<Medien ausgeschlossen>", "Bild weggelassen", "Datei angehängt"),
    "es": ("<Multimedia omitido>", "imagen omitida", "archivo adjunto"),
    "fr": ("<Médias omis>", "image absente", "fichier joint"),
    "pt": ("<Mídia oculta>", "imagem ocultada", "arquivo anexado"),
    "it": ("<Media omessi>", "immagine omessa", "file allegato"),
    "nl": ("<Media weggelaten>", "afbeelding weggelaten", "bestand bijgevoegd"),
    "ru": ("<Без медиафайлов>", "изображение отсутствует", "файл добавлен"),
    "tr": ("<Medya dahil edilmedi>", "görüntü dahil edilmedi", "dosya ekli"),
    "pl": ("<Pominięto multimedia>", "obraz pominięty", "załączony plik"),
    "id": ("<Media tidak disertakan>", "gambar tidak disertakan", "file terlampir"),
    "he": ("<המדיה לא נכללה>", "התמונה הושמטה", "קובץ מצורף"),
    "ar": ("<تم استبعاد الوسائط>", "الصورة محذوفة", "الملف مرفق"),
    "zh": ("<省略多媒体文件>", "图片已忽略", "文件附件"),
}


@pytest.mark.parametrize("said", MEDIA.values(), ids=MEDIA.keys())
def test_what_stands_for_media_is_none_of_the_owners_words(
    tmp_path: Path, said: tuple[str, str, str]
) -> None:
    hidden, omitted, attached = said
    begin = "12.05.24, 10:02 - Ann: "
    lines = [
        hidden,
        f"{hidden}\na caption",
        omitted,
        f"a caption {LRM}{omitted}",
        f"holiday.pdf ({attached})",
        f"holiday.pdf ({attached})\na caption",
        "holiday.pdf (the one from June)",
    ]
    text = "".join(f"{begin}{line}\n" for line in lines)
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    found = messages(read_with(READER, folder, log=ReadLog()))
    assert [(m.text, m.reason) for m in found] == [
        ("", "media-only"),
        ("a caption", None),
        ("", "media-only"),
        ("a caption", None),
        ("", "media-only"),
        ("a caption", None),
        ("holiday.pdf (the one from June)", None),
    ]


@pytest.mark.parametrize(
    "attached",
    ["attached", "Anhang", "adjunto", "pièce jointe ", "anexado", "allegato", "bijgevoegd", "ekli"],
)
def test_files_of_an_iphone_are_told_in_any_language(tmp_path: Path, attached: str) -> None:
    begin = "[12.05.24, 10:02:33] Ann: "
    text = f"{begin}{LRM}<{attached}: 00000012-AUDIO-2024-05-12-10-02-33.opus>\n{begin}<a: b>\n"
    folder = write_folder(tmp_path / "WhatsApp Chat - Bob", {"_chat.txt": text})
    one, two = messages(read_with(READER, folder, log=ReadLog()))
    assert (one.text, one.reason) == ("", "media-only")
    assert (two.text, two.reason) == ("<a: b>", None)


@pytest.mark.parametrize(
    "mark",
    [
        "<This message was edited>",
        f"{LRM}<This message was edited>",
        "<Diese Nachricht wurde bearbeitet.>",
        "<Se editó este mensaje.>",
        "<Ce message a été modifié>",
        "<Mensagem editada>",
        "<Questo messaggio è stato modificato>",
        "<Dit bericht is bewerkt>",
        "<Сообщение изменено>",
        "<Bu mesaj düzenlendi>",
        "<ההודעה נערכה>",
    ],
)
def test_the_mark_of_an_edit_is_taken_off(tmp_path: Path, mark: str) -> None:
    text = f"12.05.24, 10:02 - Ann: if a < b\nthen c {mark}\n12.05.24, 10:03 - Ann: a <b> c <d>\n"
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    found = messages(read_with(READER, folder, log=ReadLog()))
    assert [m.text for m in found] == ["if a < b\nthen c", "a <b> c <d>"]


@pytest.mark.parametrize(
    "notice",
    [
        "You deleted this message",
        "This message was deleted.",
        "This message was deleted by admin Bob",
        "Diese Nachricht wurde gelöscht.",
        "Du hast diese Nachricht gelöscht.",
        "Eliminaste este mensaje.",
        "Ce message a été supprimé",
        "Mensagem apagada",
        "Questo messaggio è stato eliminato",
        "Dit bericht is verwijderd",
        "Данное сообщение удалено",
        "Bu mesaj silindi",
        "Ta wiadomość została usunięta",
        "Pesan ini telah dihapus",
        "הודעה זו נמחקה",
        "تم حذف هذه الرسالة",
        "此消息已删除",
        "Missed voice call",
        "Verpasster Videoanruf. Zum Zurückrufen tippen.",
        "Llamada perdida",
        f"{LRM}Sprachanruf, {LRM}2 Min.",
    ],
)
def test_words_of_the_app_in_a_persons_line_are_the_apps(tmp_path: Path, notice: str) -> None:
    text = f"12.05.24, 10:02 - Ann: {notice}\n12.05.24, 10:02 - Ann: {notice} or so it says\n"
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    one, two = messages(read_with(READER, folder, log=ReadLog()))
    assert (one.author, one.reason) == ("", "system")
    if LRM not in notice and "by admin" not in notice and "." not in notice:
        assert (two.author, two.reason) == ("Ann", None)


def test_lines_of_the_app_with_a_colon_in_them_have_no_author(tmp_path: Path) -> None:
    begin = "12.05.24, 10:02 - "
    lines = [
        "Ann: hi",
        "Ann Smith: once",
        "Ann: hello",
        "Ann hat den Betreff von „Rom: jetzt“ zu „Oslo“ geändert.",
        "Ann changed the group description to Rules: be kind",
        'Bob "the: man',
        "Re:Zero: a name with a colon",
    ]
    folder = write_folder(
        tmp_path, {"WhatsApp Chat with Bob.txt": "".join(f"{begin}{line}\n" for line in lines)}
    )
    found = messages(read_with(READER, folder, log=ReadLog()))
    assert [(m.author, m.reason) for m in found] == [
        ("Ann", None),
        ("Ann Smith", None),
        ("Ann", None),
        ("", "system"),
        ("", "system"),
        ("", "system"),
        ("Re:Zero", None),
    ]


def test_a_groups_name_before_words_of_the_app_is_nobody(tmp_path: Path) -> None:
    lines = [f"Family: {NOTICE}", "Family: Ann added you", *["Ann: a", "Bob: b", "Eve: c"] * 10]
    text = "".join(f"[12.05.24, 10:02:33] {line}\n" for line in lines)
    found = messages(read_with(READER, write_folder(tmp_path, {"_chat.txt": text}), log=ReadLog()))
    assert [m.reason for m in found[:3]] == ["system", "system", None]
    assert {m.author for m in found} == {"", "Ann", "Bob", "Eve"} and found[0].chat == "Family"


def test_people_outside_the_address_book_keep_their_names_without_the_tilde(tmp_path: Path) -> None:
    text = (
        f"[12.05.24, 10:02:33] ~{NARROW}Cleo: hi\n[12.05.24, 10:02:34] \u202a+49 170 1\u202c: ho\n"
    )
    folder = write_folder(tmp_path / "WhatsApp Chat - X", {"_chat.txt": text})
    assert [m.author for m in messages(read_with(READER, folder, log=ReadLog()))] == [
        "Cleo",
        "+49 170 1",
    ]


def test_a_pasted_chat_stays_in_the_message_that_holds_it(tmp_path: Path) -> None:
    text = (
        "12/05/24, 10:02 - Ann: look what Bob wrote\n[11/05/24, 09:00:00] Bob: never\n"
        "11.05.24, 09:01 - Bob: ever\n12/05/24, 10:03 - Eve: no\n13/05/24, 10:03 - Eve: yes\n"
    )
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    first, *rest = messages(read_with(READER, folder))
    assert first.text.endswith("never\n11.05.24, 09:01 - Bob: ever") and len(rest) == 2


@pytest.mark.parametrize(
    ("name", "chat"),
    [
        ("WhatsApp Chat with Bob.txt", "Bob"),
        ("WhatsApp Chat with Bob (Work) (1).txt", "Bob (Work)"),
        ("WhatsApp_Chat_with_Bob.txt", "Bob"),
        ("WhatsApp Chat mit Oma & Opa.txt", "Oma & Opa"),
        ("WhatsApp-Chat mit Bob.txt", "Bob"),
        ("Chat de WhatsApp con Bob.txt", "Bob"),
        ("Discussion WhatsApp avec Bob.txt", "Bob"),
        ("Conversa do WhatsApp com Bob.txt", "Bob"),
        ("Chat WhatsApp con Bob.txt", "Bob"),
        ("WhatsApp-chat met Bob.txt", "Bob"),
        ("Чат WhatsApp с контактом Bob.txt", "Bob"),  # noqa: RUF001
        ("Bob ile WhatsApp Sohbeti.txt", "Bob"),
        ("Czat WhatsApp z Bob.txt", "Bob"),
        ("WhatsApp-keskustelu henkilön Bob kanssa.txt", "Bob"),
        ("צ'אט WhatsApp עם Bob.txt", "Bob"),
        ("دردشة واتساب مع Bob.txt", "Bob"),
        ("WhatsApp 与 Bob 的对话.txt", "Bob"),
        ("BobとのWhatsAppチャット.txt", "Bob"),
        ("Bob님과의 WhatsApp 대화.txt", "Bob"),
        ("WhatsApp Chat - Bob.zip/_chat.txt", "Bob"),
        ("WhatsApp Chat - Bob (2).zip/_chat.txt", "Bob"),
        ("WhatsApp-Chat - Bob/_chat.txt", "Bob"),
        ("Bob and I/_chat.txt", "Bob and I"),
        ("exports/_chat.txt", "Ann, Eve"),
        ("whatsapp with bob.txt", "whatsapp with bob"),
    ],
)
def test_a_chat_is_called_as_its_file_zip_or_folder_says(
    tmp_path: Path, name: str, chat: str
) -> None:
    text = "12/05/24, 10:02 - Eve: hi\n13/05/24, 10:03 - Ann: ho\n"
    folder, _, file = name.rpartition("/")
    if folder.endswith(".zip"):
        path = write_zip(tmp_path / folder, {file: text})
    else:
        path = write_folder(tmp_path, {name: text})
    assert {m.chat for m in messages(read_with(READER, path))} == {chat}


def test_a_bare_iphone_chat_is_called_as_its_first_line_says(tmp_path: Path) -> None:
    assert read_with(READER, write_folder(tmp_path / "x", {"_chat.txt": IPHONE})) == IPHONE_GOLDEN


def test_a_newer_export_begins_with_the_same_records(tmp_path: Path) -> None:
    older = IPHONE[: IPHONE.index("[01.01.24, 00:02:00]")]
    one = write_zip(tmp_path / "WhatsApp Chat - Bob.zip", {"_chat.txt": older})
    found = read_with(READER, one)
    assert found == IPHONE_GOLDEN[: len(found)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_and_line_ends_are_read(tmp_path: Path, encoding: str) -> None:
    data = ANDROID.replace("\n", "\r\n").encode(encoding)
    folder = write_folder(tmp_path, {"WhatsApp Chat with Trip.txt": data})
    assert read_with(READER, folder) == ANDROID_GOLDEN


def test_a_file_cut_short_is_taken_up_to_there(tmp_path: Path) -> None:
    data = ANDROID.encode()
    cut = data[: data.index(b"from here") + 4]
    folder = write_folder(tmp_path, {"WhatsApp Chat with Trip.txt": cut})
    found = messages(read_with(READER, folder, log=ReadLog()))
    assert found[:6] == ANDROID_GOLDEN[:6] and found[-1].text == "The view\nfrom"


def test_a_damaged_zip_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    log = ReadLog()
    archive = tmp_path / "WhatsApp Chat with Trip.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("WhatsApp Chat with Trip.txt", ANDROID + "more lines\n" * 20_000 + "LAST")
    archive.write_bytes(archive.read_bytes().replace(b"LAST", b"LOST", 1))
    found = messages(read_with(READER, archive, log=log))
    assert found[:-1] == ANDROID_GOLDEN[:-1] and found[-1].reason == "system"
    [problem] = log.problems
    assert "Trip.zip" in str(problem) and "damaged" in str(problem)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("msgstore.db.crypt14", "an encrypted backup"),
        ("msgstore-2024-05-12.1.db.crypt15", "an encrypted backup"),
        ("wa.db.crypt12", "an encrypted backup"),
        ("msgstore.db", "a database"),
    ],
)
def test_backups_are_named_for_what_they_are(tmp_path: Path, name: str, says: str) -> None:
    log = ReadLog()
    assert read_with(READER, write_folder(tmp_path, {name: b"\x00\x01"}), log=log) == []
    assert says in str(log.problems[0]) and "More > Export chat" in str(log.problems[0])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02\xff" * 500])
def test_an_export_with_nothing_to_read_says_so(tmp_path: Path, content: bytes) -> None:
    log = ReadLog()
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": content})
    assert read_with(READER, folder, log=log) == []
    assert len(log.problems) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "diary.txt",
            "2024-05-12 10:02 - Woke up: felt fine\n2024-05-13 09:00 - Rain: stayed in\n",
        ),
        ("interview.txt", "ANN: How are you?\nBOB: Fine.\n"),
        ("notes.txt", "12/05/24 is when we met.\n"),
        ("my thoughts on whatsapp.txt", "It is everywhere now.\n"),
        ("_chat.md", "[12.05.24, 10:02:33] Ann: hi\n"),
    ],
)
def test_other_texts_are_left_to_other_readers(tmp_path: Path, name: str, text: str) -> None:
    assert claimed(READER, tree_of(write_folder(tmp_path, {name: text}), ReadLog().problem)) == []


def test_a_renamed_export_is_known_by_what_it_holds(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"us.txt": IPHONE, "we.txt": ANDROID})
    assert len(read_with(READER, folder)) == len(IPHONE_GOLDEN) + len(ANDROID_GOLDEN)


def test_endless_lines_after_a_message_take_no_memory(tmp_path: Path) -> None:
    text = "12/05/24, 10:02 - Ann: hi\n" + "x" * 3_000_000 + "\n" + "y\n" * 300_000
    folder = write_folder(tmp_path, {"WhatsApp Chat with Bob.txt": text})
    [found] = messages(read_with(READER, folder, log=ReadLog()))
    assert len(found.text) < 250_000


SMALL = [
    {"_chat.txt": IPHONE[IPHONE.index("[31.12.23, 23:59") :]},
    {"WhatsApp Chat with Trip.txt": ANDROID},
]
DIALECTS = pytest.mark.parametrize("files", SMALL, ids=["iphone", "android"])


@DIALECTS
def test_damage_is_survived(tmp_path: Path, files: dict[str, str]) -> None:
    survives_damage(READER, files, tmp_path, FEW)


@pytest.mark.slow
@DIALECTS
def test_much_damage_is_survived(tmp_path: Path, files: dict[str, str]) -> None:
    survives_damage(READER, files, tmp_path, MANY // len(SMALL))


@pytest.mark.parametrize(
    ("head", "pasted"),
    [
        ("2/{n}/23, 10:36 PM - ", "12/01/23, 10:11 - walk\n13/01/23, 11:00 - swim"),
        ("[{n}.02.23, 22:36:10] ", "12.01.23, 10:11 - walk"),
        ("{n}/02/23, 22:36 - ", "1/12/23, 10:11 PM - walk"),
    ],
)
def test_dates_of_another_form_inside_a_message_are_its_text(
    root: Path, head: str, pasted: str
) -> None:
    said = [("Bo", "which?"), ("Ann", f"Two plans:\n\n{pasted}\n\nwhich one?"), ("Bo", "the walk")]
    chat = "".join(f"{head.format(n=14 + n)}{a}: {t}\n" for n, (a, t) in enumerate(said))
    found = messages(
        read_with(READER, write_folder(root / "m", {"WhatsApp Chat with Bo.txt": chat}))
    )
    assert [(m.author, m.text) for m in found] == said


def test_an_attachment_below_the_words_and_a_documents_pages_are_no_words(root: Path) -> None:
    mark = "\u200e"
    chat = (
        f"[20.06.19, 16:00:10] Bo: show me\n{mark}[20.06.19, 16:00:16] Ann: and the beans\n"
        f"{mark}<attached: 00000002-PHOTO-2019-06-20-16-00-16.jpg>\n"
        f"{mark}[20.06.19, 16:00:17] Ann: "
        f"Plan.pdf • {mark}3 pages {mark}<attached: 00000003-Plan.pdf>\n"
    )
    found = messages(read_with(READER, write_folder(root / "m", {"_chat.txt": chat})))
    assert [(m.text, m.reason) for m in found] == [
        ("show me", None), ("and the beans", None), ("", "media-only"),
    ]  # fmt: skip
