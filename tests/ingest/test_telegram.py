import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Message
from align.ingest.reader import ReadLog
from align.ingest.readers.telegram import READER
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


def said(number: int, text: object, *, by: str = "Ann K.", **more: object) -> dict[str, object]:
    """Return a message as Telegram Desktop writes it, a minute after the one before."""
    unix = 1_715_500_000 + 60 * number
    return {
        "id": number,
        "type": "message",
        "date": datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(unix),
        "from": by,
        "from_id": {"Ann K.": "user11", "Bob": "user22"}.get(by, "user33"),
        "text": text,
        "text_entities": [],
        **more,
    }


def minute(number: int) -> datetime:
    return datetime.fromtimestamp(1_715_500_000 + 60 * number, UTC)


def chat(*said: object, **head: object) -> str:
    head = head or {"name": "Bob", "type": "personal_chat", "id": 22}
    return json.dumps({**head, "messages": said}, ensure_ascii=False, indent=1)


SERVICE = {
    "id": 4,
    "type": "service",
    "date": "2024-05-12T10:02:33",
    "date_unixtime": "1715500240",
    "actor": "Bob",
    "actor_id": "user22",
    "action": "phone_call",
    "discard_reason": "missed",
    "text": "",
    "text_entities": [],
}

ONE_CHAT = chat(
    said(1, "Hi Bob", edited="2024-05-12T10:09:00", edited_unixtime="1715501000"),
    said(
        2,
        [
            "look at ",
            {"type": "bold", "text": "this"},
            {"type": "plain", "text": ": "},
            {"type": "text_link", "text": "the map", "href": "https://example.org/m"},
        ],
        by="Bob",
        reply_to_message_id=1,
    ),
    said(3, "in the sun", photo="photos/photo_1.jpg", width=800, height=600),
    SERVICE,
    said(5, "", media_type="sticker", sticker_emoji="🙂", file="stickers/s.webp"),
    said(6, "somebody's words", forwarded_from="News"),
    said(7, "a gif", via_bot="@gif"),
    said(8, [{"type": "blockquote", "text": "their words\n"}, "and mine"]),
    said(9, [{"type": "blockquote", "text": "only theirs"}]),
    said(10, "to another chat", reply_to_message_id=99, reply_to_peer_id="channel5"),
    {"id": 11, "type": "unsupported"},
)


def of_bob(
    number: int, text: str, *, author: str = "Ann K.", key: str | None = "user11", **more: Any
) -> Message:
    return Message(
        chat="22",
        author=author,
        text=text,
        time=more.pop("time", minute(number)),
        key=str(number),
        author_key=key,
        title="Bob",
        **more,
    )


GOLDEN = [
    of_bob(1, "Hi Bob"),
    of_bob(2, "look at this: the map", author="Bob", key="user22", reply_to="1"),
    of_bob(3, "in the sun"),
    of_bob(4, "", author="", key=None, reason="system"),
    of_bob(5, "", reason="media-only"),
    of_bob(6, "somebody's words", reason="forwarded"),
    of_bob(7, "a gif", reason="forwarded"),
    of_bob(8, "and mine", raw="their words\nand mine"),
    of_bob(9, "only theirs", raw="only theirs", reason="quoted"),
    of_bob(10, "to another chat"),
    of_bob(11, "", author="", key=None, time=None, reason="media-only"),
]


def test_one_chat_is_read_with_its_entities_replies_forwards_and_media(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "ChatExport_2024-05-12", {"result.json": ONE_CHAT})
    assert read_with(READER, folder) == GOLDEN
    assert read_with(READER, folder / "result.json") == GOLDEN
    assert read_with(READER, tmp_path) == GOLDEN


def test_a_zip_and_a_renamed_second_download_are_read(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "t.zip", {"ChatExport/result (1).json": ONE_CHAT})
    assert read_with(READER, archive) == GOLDEN
    assert read_with(READER, write_folder(tmp_path / "f", {"bob.json": ONE_CHAT})) == GOLDEN


def test_files_that_friends_sent_are_taken_along_and_counted(tmp_path: Path) -> None:
    log = ReadLog()
    files: dict[str, bytes | str] = {
        "a/result.json": ONE_CHAT,
        "a/files/report.md": "# Not mine",
        "a/photos/photo_1.jpg": b"\xff\xd8",
        "a/files/more/notes.txt": "not mine",
        "essay.md": "# Mine",
        "files/mine.md": "# Mine",
    }
    folder = write_folder(tmp_path, files)
    [inputs] = claimed(READER, tree_of(folder, log.problem))
    assert set(files) - set(inputs.names) == {"essay.md", "files/mine.md"}
    assert read_with(READER, folder, log=log) == GOLDEN
    assert log.passed_over == {"files sent in chats": 3}


ACCOUNT = {
    "about": "Here is the data you requested.",
    "personal_information": {"user_id": 11, "first_name": "Ann", "username": "@ann"},
    "contacts": {"about": "", "list": [{"user_id": 22, "first_name": "Bob"}]},
    "chats": {
        "about": "This page lists all chats.",
        "list": [
            {
                "name": "Bob",
                "type": "personal_chat",
                "id": 22,
                "messages": [said(1, "hello"), said(2, "hi", by="Bob")],
            },
            {"name": None, "type": "personal_chat", "id": 55, "messages": []},
            {
                "type": "saved_messages",
                "id": 11,
                "messages": [said(3, "buy milk"), said(4, "an article", forwarded_from="News")],
            },
        ],
    },
    "left_chats": {
        "about": "",
        "list": [
            {
                "name": "Ann writes",
                "type": "public_channel",
                "id": 77,
                "messages": [
                    {**said(1, "A post"), "from": "Ann writes", "from_id": "channel77"},
                    {
                        **said(2, "A signed post", author="Ann K."),
                        "from": "Ann writes",
                        "from_id": "channel77",
                    },
                    {**said(3, "from nobody"), "from": None, "from_id": "user44"},
                ],
            }
        ],
    },
}


def of_account(chat: str, number: int, text: str, title: str, **more: Any) -> Message:
    base: dict[str, Any] = {"author": "Ann K.", "author_key": "user11", "is_owner": True}
    return Message(
        chat=chat, text=text, time=minute(number), key=str(number), title=title, **{**base, **more}
    )


ACCOUNT_GOLDEN = [
    of_account("22", 1, "hello", "Bob"),
    of_account("22", 2, "hi", "Bob", author="Bob", author_key="user22", is_owner=False),
    of_account("11", 3, "buy milk", "Saved Messages"),
    of_account("11", 4, "an article", "Saved Messages", reason="forwarded"),
    of_account(
        "77", 1, "A post", "Ann writes", author="Ann writes", author_key="channel77", is_owner=None
    ),
    of_account("77", 2, "A signed post", "Ann writes", author_key="channel77", is_owner=None),
    of_account(
        "77", 3, "from nobody", "Ann writes", author="", author_key="user44", is_owner=False
    ),
]


def test_a_whole_account_tells_its_owner_and_keeps_chats_apart(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"DataExport/result.json": json.dumps(ACCOUNT)})
    assert read_with(READER, folder) == ACCOUNT_GOLDEN


def test_an_account_written_anew_with_keys_in_another_order_is_read(tmp_path: Path) -> None:
    turned = json.dumps(ACCOUNT, sort_keys=True)
    folder = write_folder(tmp_path, {"result.json": turned})
    # `chats` may stand anywhere; what names a chat stands behind its messages.
    assert read_with(READER, folder) == ACCOUNT_GOLDEN


def test_one_chat_of_an_older_export_is_read(tmp_path: Path) -> None:
    old = {
        "id": 1,
        "type": "message",
        "date": "2019-03-01T20:15:00",
        "edited": "1970-01-01T01:00:00",
        "from": "Ann K.",
        "from_id": 11,
        "text": "older",
    }
    folder = write_folder(tmp_path, {"result.json": chat(old)})
    assert read_with(READER, folder) == [
        Message(
            chat="22",
            author="Ann K.",
            text="older",
            time=datetime(2019, 3, 1, 20, 15),
            key="1",
            author_key="user11",
            title="Bob",
        )
    ]


def test_saved_messages_exported_alone_are_the_owners(tmp_path: Path) -> None:
    text = chat(said(1, "a note"), said(2, "x", forwarded_from=None), type="saved_messages", id=11)
    found = messages(read_with(READER, write_folder(tmp_path, {"result.json": text})))
    assert [(m.is_owner, m.reason, m.title) for m in found] == [
        (True, None, "Saved Messages"),
        (None, "forwarded", "Saved Messages"),
    ]


def test_text_is_found_in_entities_where_there_is_no_other(tmp_path: Path) -> None:
    one = said(1, None, text_entities=[{"type": "plain", "text": "a "}, {"type": "pre"}, "b"])
    found = read_with(READER, write_folder(tmp_path, {"result.json": chat(one)}))
    assert [m.text for m in found] == ["a b"]


def test_values_of_the_wrong_type_cost_no_more_than_themselves(tmp_path: Path) -> None:
    odd: list[object] = [
        said(1, 5),
        said(2, {"text": "a"}),
        {**said(3, "kept"), "id": "3", "date_unixtime": "soon", "from": ["x"], "from_id": {}},
        {**said(4, "kept too"), "id": True, "date_unixtime": "9" * 30, "reply_to_message_id": "1"},
        {**said(5, [None, 1, ["x"], {"text": 3}, "kept"]), "date_unixtime": None, "date": "never"},
        "a string",
        None,
        [1],
        {},
        said(6, "last"),
    ]
    text = chat(*odd, name=["Bob"], type="personal_chat", id="22")
    found = messages(read_with(READER, write_folder(tmp_path, {"result.json": text})))
    assert [m.text for m in found] == ["", "", "kept", "kept too", "kept", "", "last"]
    assert [m.key for m in found] == ["1", "2", None, None, "5", None, "6"]
    assert [m.time is None for m in found] == [False, False, True, True, True, True, False]
    assert {m.chat for m in found} == {"personal_chat"}


def test_a_file_cut_short_is_taken_up_to_there(tmp_path: Path) -> None:
    log = ReadLog()
    cut = ONE_CHAT[: ONE_CHAT.index("in the sun")]
    folder = write_folder(tmp_path, {"result.json": cut})
    assert read_with(READER, folder, log=log) == GOLDEN[:2]
    [problem] = log.problems
    assert str(folder / "result.json") in str(problem) and "2 items" in str(problem)


def test_an_account_cut_short_is_taken_up_to_there(tmp_path: Path) -> None:
    log = ReadLog()
    whole = json.dumps(ACCOUNT)
    folder = write_folder(tmp_path, {"result.json": whole[: whole.index("an article")]})
    assert read_with(READER, folder, log=log) == ACCOUNT_GOLDEN[:3]
    assert len(log.problems) == 1


def test_surrogates_nuls_and_controls_in_an_export_are_survived(tmp_path: Path) -> None:
    one = json.dumps({"name": "B\ud800ob", "type": "personal_chat", "id": 1}, ensure_ascii=True)
    text = (
        one[:-1] + ', "messages": [' + json.dumps(said(1, "a\udc00b\x00c")) + ', {"text": "\\x0B"'
    )
    log = ReadLog()
    folder = write_folder(tmp_path, {"result.json": text + "}]}"})
    first, second = messages(read_with(READER, folder, log=log))
    assert first.text == "a\ufffdb\x00c" and first.title is not None and second.reason == "system"
    first.title.encode()


def test_an_export_without_chats_says_so(tmp_path: Path) -> None:
    log = ReadLog()
    empty = {"about": "", "personal_information": {"user_id": 11}}
    assert (
        read_with(READER, write_folder(tmp_path, {"result.json": json.dumps(empty)}), log=log) == []
    )
    assert "no messages" in str(log.problems[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result.json", '{"results": [{"type": "message"}]}'),
        ("result.json", "[1, 2]"),
        ("conversations.json", '[{"title": "x", "mapping": {}, "type": "message"}]'),
        ("discord.json", '{"guild": {}, "channel": {"type": "x"}, "messages": [{"id": "1"}]}'),
        ("messages.html", "<html><body>my own page</body></html>"),
        ("messages.json", '{"messages": [{"role": "user", "content": "hi"}]}'),
    ],
)
def test_other_services_files_are_left_to_them(tmp_path: Path, name: str, content: str) -> None:
    assert (
        claimed(READER, tree_of(write_folder(tmp_path, {name: content}), ReadLog().problem)) == []
    )


def page(*divs: str, title: str = "Bob &amp; Co") -> str:
    return (
        '<!DOCTYPE html>\n<html>\n <head>\n  <meta charset="utf-8"/>\n<title>Exported Data</title>'
        '\n  <link href="css/style.css" rel="stylesheet"/>\n </head>\n <body>'
        '\n  <div class="page_wrap">\n   <div class="page_header">\n    <div class="content">'
        f'\n     <div class="text bold">\n{title}\n     </div>\n    </div>\n   </div>'
        '\n   <div class="page_body chat_page">\n    <div class="history">\n'
        + "\n".join(divs)
        + "\n    </div>\n   </div>\n  </div>\n </body>\n</html>"
    )


def div(number: int, inner: str, *, by: str | None = "Ann K.", zone: str = " UTC+02:00") -> str:
    joined = "" if by else " joined"
    name = f'<div class="from_name">\n{by} \n       </div>' if by else ""
    return f"""
     <div class="message default clearfix{joined}" id="message{number}">
      <div class="body">
       <div class="pull_right date details" title="12.05.2024 10:{number:02}:33{zone}">
10:{number:02}
       </div>
       {name}
{inner}
      </div>
     </div>"""


def service(number: int, said: str) -> str:
    return (
        f'<div class="message service" id="message{number}">\n<div class="body details">\n{said}\n'
        "</div></div>"
    )


def text(html: str) -> str:
    return f'       <div class="text">\n{html}\n       </div>'


PHOTO = (
    '<div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="photos/1.jpg">'
    '<img class="photo" src="photos/1_thumb.jpg"/></a></div>'
)
FIRST_PAGE = page(
    service(-1, "12 May 2024"),
    div(1, text("Hello <strong>Bob</strong><br>a &lt; b")),
    div(2, text('<a href="https://example.org">https://example.org</a>'), by=None),
    div(
        3,
        '<div class="reply_to details">\nIn reply to <a href="#go_to_message1" '
        'onclick="return GoToMessage(1)">this message</a>\n</div>' + text("Hi"),
        by="Bob",
    ),
    div(4, PHOTO, by=None),
    div(
        5,
        '<div class="forwarded body">\n<div class="from_name">\nNews <span class="date details" '
        'title="01.05.2024 09:00:00 UTC+02:00"> 01.05.2024 09:00:00</span>\n</div>'
        + text("their words")
        + "</div>",
    ),
    div(6, text("a gif"), by="Ann K. via @gif"),
    service(9, "Bob pinned a message"),
)
SECOND_PAGE = page(
    '<a class="pagination block_link" href="messages.html">Previous messages</a>',
    div(
        7,
        '<div class="reply_to details">\nIn reply to <a href="messages.html#go_to_message3">this '
        "message</a>\n</div>" + text("<blockquote>theirs</blockquote>mine"),
        zone="",
    ),
    div(8, text("gone"), by="Deleted Account"),
)
PAGES = {
    "messages.html": FIRST_PAGE,
    "messages2.html": SECOND_PAGE,
    "css/style.css": "body {}",
    "files/report.html": "<p>not mine</p>",
}


def of_page(number: int, text: str, *, author: str = "Ann K.", **more: Any) -> Message:
    base: dict[str, Any] = {
        "time": datetime(2024, 5, 12, 8, number, 33, tzinfo=UTC),
        "key": str(number),
        "title": "Bob & Co",
    }
    return Message(chat="Bob & Co", author=author, text=text, **{**base, **more})


PAGES_GOLDEN = [
    of_page(1, "Hello Bob\na < b"),
    of_page(2, "https://example.org"),
    of_page(3, "Hi", author="Bob", reply_to="1"),
    of_page(4, "", author="Bob", reason="media-only"),
    of_page(5, "their words", reason="forwarded"),
    of_page(6, "a gif", reason="forwarded"),
    of_page(9, "Bob pinned a message", author="", time=None, reason="system"),
    of_page(7, "mine", raw="theirsmine", reply_to="3", time=datetime(2024, 5, 12, 10, 7, 33)),
    of_page(8, "gone", author=""),
]


def test_pages_are_read_one_after_the_other(tmp_path: Path) -> None:
    log = ReadLog()
    folder = write_folder(tmp_path / "ChatExport", PAGES)
    assert read_with(READER, folder, log=log) == PAGES_GOLDEN
    assert read_with(READER, write_zip(tmp_path / "c.zip", PAGES), log=log) == PAGES_GOLDEN
    assert read_with(READER, folder / "messages2.html") == PAGES_GOLDEN[-2:]
    assert log.problems == [] and log.passed_over == {"files sent in chats": 4}


def test_pages_beside_the_same_chat_in_json_are_not_read_twice(tmp_path: Path) -> None:
    same = chat(said(1, "once"), name="Bob & Co", type="personal_chat", id=22)
    folder = write_folder(tmp_path, {**PAGES, "result.json": same})
    assert [m.text for m in read_with(READER, folder, log=ReadLog())] == ["once"]
    other = chat(said(1, "another chat"), name="Eve", type="personal_chat", id=23)
    folder = write_folder(tmp_path, {"result.json": other})
    assert len(read_with(READER, folder, log=ReadLog())) == 1 + len(PAGES_GOLDEN)


def test_the_whole_account_in_pages_is_read_chat_by_chat(tmp_path: Path) -> None:
    log = ReadLog()
    files = {
        "export_results.html": page(),
        "lists/chats.html": page(),
        "js/script.js": "",
        "chats/chat_01/messages.html": page(div(1, text("one")), title="Bob"),
        "chats/chat_02/messages.html": page(div(1, text("two")), title="Eve"),
        "chats/chat_02/files/a.md": "# theirs",
        "my own.html": "<p>mine</p>",
    }
    folder = write_folder(tmp_path, {f"DataExport/{name}": files[name] for name in files})
    found = messages(read_with(READER, folder, log=log))
    assert [(m.chat, m.text) for m in found] == [("Bob", "one"), ("Eve", "two")]
    claims = claimed(READER, tree_of(folder, log.problem))
    taken = {name for inputs in claims for name in inputs.names}
    assert {f"DataExport/{name}" for name in files} - taken == {"DataExport/my own.html"}


def test_a_page_cut_short_is_taken_up_to_there(tmp_path: Path) -> None:
    cut = FIRST_PAGE[: FIRST_PAGE.index('id="message4"')]
    found = read_with(READER, write_folder(tmp_path, {"messages.html": cut}), log=ReadLog())
    assert found[:3] == PAGES_GOLDEN[:3]


SMALL_PAGE = page(div(1, text("Hello")), div(2, PHOTO, by=None))
SMALL = [
    {"result.json": chat(said(1, ["a", {"type": "bold", "text": "b"}]), SERVICE)},
    {"result.json": json.dumps({**ACCOUNT, "contacts": None})},
    {"messages.html": SMALL_PAGE},
]
DIALECTS = pytest.mark.parametrize("files", SMALL, ids=["chat", "account", "pages"])


@DIALECTS
def test_damage_is_survived(tmp_path: Path, files: dict[str, str]) -> None:
    survives_damage(READER, files, tmp_path, FEW)


@pytest.mark.slow
@DIALECTS
def test_much_damage_is_survived(tmp_path: Path, files: dict[str, str]) -> None:
    survives_damage(READER, files, tmp_path, MANY // len(SMALL) + 1)
