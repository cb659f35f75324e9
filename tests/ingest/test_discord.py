import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from align.ingest.contents import Message
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.discord import READER
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

GENERAL, DIRECT = "771000000000000001", "771000000000000002"
ANN, BOB, COR = "441000000000000001", "441000000000000002", "441000000000000003"
FIRST, SECOND, THIRD = "900000000000000001", "900000000000000777", "900000000000009000"

USER = json.dumps(
    {
        "id": ANN,
        "username": "ann.k",
        "discriminator": 0,
        "global_name": "Ann K.",
        "email": "ann@x.example",
        "relationships": [
            {
                "id": COR,
                "type": 1,
                "nickname": None,
                "user": {"id": COR, "username": "cor", "discriminator": "0"},
            }
        ],
    }
)


def package(messages: str = "messages", account: str = "account") -> dict[str, str]:
    return {
        f"{account}/user.json": USER,
        "activity/analytics/events-2024-00000-of-00001.json": '{"event_type":"app_opened"}\n',
        "servers/index.json": json.dumps({"88": "The Harbour"}),
        "README.txt": "Welcome to your data package.",
        f"{messages}/index.json": json.dumps(
            {DIRECT: "Direct Message with bob#0", GENERAL: "general in The Harbour", "5": None}
        ),
        f"{messages}/c{GENERAL}/channel.json": json.dumps(
            {
                "id": GENERAL,
                "type": "GUILD_TEXT",
                "name": "general",
                "guild": {"id": "88", "name": "The Harbour"},
            }
        ),
        f"{messages}/c{GENERAL}/messages.json": json.dumps(
            [
                {
                    "ID": int(THIRD),
                    "Timestamp": "2024-05-02 18:00:07",
                    "Contents": "",
                    "Attachments": "https://cdn.discordapp.com/attachments/1/2/boat.png",
                },
                {
                    "ID": int(SECOND),
                    "Timestamp": "2024-05-02 17:59:01",
                    "Contents": f"<@{BOB}> and <@!{COR}>, <#{GENERAL}> <:ahoy:123456> "
                    "<t:1714669200:t> <@999999999999999999>",
                    "Attachments": "",
                },
                {
                    "ID": int(FIRST),
                    "Timestamp": "2024-05-02 17:58:00",
                    "Contents": "fog again\nno boats",
                    "Attachments": "",
                },
            ]
        ),
        f"{messages}/c{DIRECT}/channel.json": json.dumps(
            {"id": DIRECT, "type": "DM", "recipients": [BOB, ANN]}
        ),
        f"{messages}/c{DIRECT}/messages.json": "[]",
    }


PACKAGE = package()


def own(key: str, text: str, time: datetime, reason: str | None = None) -> Message:
    return Message(
        chat=GENERAL,
        author="Ann K.",
        text=text,
        time=time,
        key=key,
        author_key=ANN,
        is_owner=True,
        reason=reason,
        title="#general (The Harbour)",
    )


IN_PACKAGE = [
    own(FIRST, "fog again\nno boats", datetime(2024, 5, 2, 17, 58, tzinfo=UTC)),
    own(
        SECOND,
        "@bob and @cor, #general :ahoy: 17:00 @someone",
        datetime(2024, 5, 2, 17, 59, 1, tzinfo=UTC),
    ),
    own(THIRD, "", datetime(2024, 5, 2, 18, 0, 7, tzinfo=UTC), "media-only"),
]


def test_package_gives_the_owners_messages_oldest_first(tmp_path: Path) -> None:
    assert read_with(READER, write_zip(tmp_path / "package.zip", PACKAGE)) == IN_PACKAGE
    assert read_with(READER, write_folder(tmp_path / "package", PACKAGE)) == IN_PACKAGE


def test_package_is_known_in_every_language_and_at_every_depth(tmp_path: Path) -> None:
    for at, files in enumerate((package("Messages", "Account"), package("Wiadomości", "Konto"))):
        folder = write_folder(
            tmp_path / str(at), {f"exports/package/{name}": text for name, text in files.items()}
        )
        assert read_with(READER, folder) == IN_PACKAGE
        assert len(claimed(READER, tree_of(folder, ReadLog().problem))[0].names) >= 7


def test_package_leaves_what_lies_beside_it_to_others(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "all", {**PACKAGE, "notes/a.md": "mine", "b.json": "[]"})
    names = claimed(READER, tree_of(folder, ReadLog().problem))[0].names
    assert "README.txt" in names and "account/user.json" in names
    assert "notes/a.md" not in names and "b.json" not in names


def test_old_package_is_a_table(tmp_path: Path) -> None:
    files = {
        f"messages/{GENERAL}/channel.json": json.dumps(
            {"id": GENERAL, "type": 0, "name": "general"}
        ),
        f"messages/{GENERAL}/messages.csv": "ID,Timestamp,Contents,Attachments\r\n"
        f'{SECOND},2020-03-20 17:45:33.123000+00:00,"two\nlines, ""quoted""",\r\n'
        f"{FIRST},2020-03-20 17:44:00+00:00,,https://cdn.discordapp.com/a/b.png\r\n",
    }
    found = messages(read_with(READER, write_folder(tmp_path / "old", files)))
    assert [(m.key, m.text, m.reason) for m in found] == [
        (FIRST, "", "media-only"),
        (SECOND, 'two\nlines, "quoted"', None),
    ]
    assert found[1].time == datetime(2020, 3, 20, 17, 45, 33, 123000, UTC)
    assert {(m.chat, m.author, m.is_owner, m.title) for m in found} == {
        (GENERAL, "me", True, "general")
    }


def test_a_channel_or_its_file_may_be_named_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "package", PACKAGE)
    for path in (f"messages/c{GENERAL}", f"messages/c{GENERAL}/messages.json", "messages"):
        found = messages(read_with(READER, folder / path))
        assert [m.key for m in found] == [FIRST, SECOND, THIRD]


def test_cut_package_keeps_what_stands_before_the_cut(tmp_path: Path) -> None:
    name = f"messages/c{GENERAL}/messages.json"
    log = ReadLog()
    folder = write_folder(tmp_path / "cut", {**PACKAGE, name: PACKAGE[name][:-60]})
    found = messages(read_with(READER, folder, log=log))
    assert [m.key for m in found] == [SECOND, THIRD]
    assert len(log.problems) == 1 and name in str(log.problems[0])


def user(id: str, name: str, nickname: str | None = None, bot: bool = False) -> dict[str, object]:
    return {
        "id": id,
        "name": name,
        "discriminator": "0000",
        **({"nickname": nickname} if nickname else {}),
        "color": None,
        "isBot": bot,
        "roles": [],
        "avatarUrl": "https://cdn.discordapp.com/embed/avatars/0.png",
    }


def item(key: int, text: str, author: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "id": str(key),
        "type": "Default",
        "timestamp": f"2024-05-02T18:00:{key % 60:02}.5+02:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": text,
        "author": author,
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
        **more,
    }


def chat(*items: dict[str, object], guild: str = "88") -> str:
    place = "The Harbour" if guild != "0" else "Direct Messages"
    about = {
        "guild": {"id": guild, "name": place, "iconUrl": "https://x.example/i.png"},
        "channel": {
            "id": GENERAL,
            "type": "GuildTextChat",
            "categoryId": "1",
            "category": "Text Channels",
            "name": "general",
            "topic": None,
        },
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-06-01T00:00:00+02:00",
        "messages": list(items),
        "messageCount": len(items),
    }
    return json.dumps(about, indent=2)


A, B = user(ANN, "ann.k", "Ann"), user(BOB, "bob")
CHAT = chat(
    item(101, "fog again <:ahoy:77>", A, timestampEdited="2024-05-02T18:10:00+02:00"),
    item(
        102,
        f"<@{ANN}> told you :wave:",
        B,
        type="Reply",
        reference={"messageId": "101", "channelId": GENERAL, "guildId": "88"},
        mentions=[A],
    ),
    item(103, "", A, stickers=[{"id": "1", "name": "gull", "format": "Png", "sourceUrl": "u"}]),
    item(104, "Pinned a message.", B, type="ChannelPinnedMessage"),
    item(105, "Tide: 3 m", user("7", "tides", bot=True)),
    item(
        106,
        "",
        B,
        reference={"type": "Forward", "messageId": "9", "channelId": "8", "guildId": "7"},
        forwardedMessage={"timestamp": "2024-05-01T00:00:00+02:00", "content": "somebody's words"},
    ),
)


def said(key: int, author: str, author_key: str, text: str, **more: object) -> Message:
    return Message(
        chat=GENERAL,
        author=author,
        text=text,
        time=datetime(2024, 5, 2, 16, 0, key % 60, 500000, UTC),
        key=str(key),
        author_key=author_key,
        title="#general (The Harbour)",
        **more,  # type: ignore[arg-type]
    )


IN_CHAT = [
    said(101, "Ann", ANN, "fog again :ahoy:"),
    said(102, "bob", BOB, "@Ann told you :wave:", reply_to="101"),
    said(103, "Ann", ANN, "", reason="media-only"),
    said(104, "bob", BOB, "Pinned a message.", reason="system"),
    said(105, "tides", "7", "Tide: 3 m", reason="system"),
    said(106, "bob", BOB, "somebody's words", reason="forwarded"),
]
NAME = f"The Harbour - Text Channels - general [{GENERAL}].json"


def test_exporters_chat_is_read_with_everybody_in_it(tmp_path: Path) -> None:
    assert read_with(READER, write_folder(tmp_path / "dce", {NAME: CHAT})) == IN_CHAT
    assert read_with(READER, write_zip(tmp_path / "dce.zip", {NAME: CHAT})) == IN_CHAT
    assert read_with(READER, tmp_path / "dce" / NAME) == IN_CHAT


@pytest.mark.parametrize("me", ["Ann", "@ann.K", ANN, "ann.k#0000"])
def test_owner_is_known_by_any_name_of_the_account(tmp_path: Path, me: str) -> None:
    folder = write_folder(tmp_path / "dce", {NAME: CHAT})
    found = messages(read_with(READER, folder, Options(me=(me,))))
    assert [m.is_owner for m in found] == [True, None, True, None, None, None]


def test_parts_of_a_channel_are_one_chat_in_order_without_overlap(tmp_path: Path) -> None:
    newest_first = chat(*(item(key, f"text {key}", A) for key in (205, 204, 203)))
    older = chat(*(item(key, f"text {key}", A) for key in (8, 101, 203)))
    folder = write_folder(
        tmp_path / "dce",
        {
            "a [part 2].json": newest_first,
            "b.json": older,
            "b.json_Files/plan-1A2B3.txt": "not the owner's",
        },
    )
    claims = claimed(READER, tree_of(folder, ReadLog().problem))
    assert [len(inputs.names) for inputs in claims] == [3]
    found = messages(read_with(READER, folder))
    assert [m.key for m in found] == ["8", "101", "203", "204", "205"]


def test_old_exporters_direct_chat_has_no_nicknames(tmp_path: Path) -> None:
    old = chat(item(1, "hi", B, type="19", reference={"messageId": "0"}), guild="0")
    found = messages(read_with(READER, write_folder(tmp_path / "dce", {"x.json": old})))
    assert [(m.author, m.title, m.reply_to, m.reason) for m in found] == [
        ("bob", "general", "0", None)
    ]


def test_cut_chat_keeps_what_stands_before_the_cut(tmp_path: Path) -> None:
    log = ReadLog()
    folder = write_folder(tmp_path / "dce", {"x.json": CHAT[: CHAT.index("told you")]})
    assert texts(read_with(READER, folder, log=log)) == ["fog again :ahoy:"]
    assert len(log.problems) == 1


def test_other_json_is_left_to_others(tmp_path: Path) -> None:
    files = {
        "guild.json": '{"guild": 1}',
        "messages.json": '[{"id": 1}]',
        "a.csv": "ID,Name\n1,2\n",
    }
    folder = write_folder(tmp_path / "other", files)
    assert claimed(READER, tree_of(folder, ReadLog().problem)) == []


SMALL = {
    NAME: chat(item(101, f"<@{BOB}> fog <t:1714669200:t>", A), item(102, "so", B, type="Reply")),
    f"m/c{GENERAL}/channel.json": PACKAGE[f"messages/c{GENERAL}/channel.json"],
    f"m/c{GENERAL}/messages.json": PACKAGE[f"messages/c{GENERAL}/messages.json"],
    "m/c5/messages.csv": f'ID,Timestamp,Contents,Attachments\n{FIRST},2020-03-20 17:45:33,"a",\n',
    "account/user.json": USER,
    "m/index.json": PACKAGE["messages/index.json"],
}


# Every file of a case costs as much as reading it.
FEWER = {name: SMALL[name] for name in (NAME, f"m/c{GENERAL}/messages.json", "account/user.json")}


def test_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, FEW)


@pytest.mark.slow
def test_much_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, FEWER, tmp_path, MANY)
