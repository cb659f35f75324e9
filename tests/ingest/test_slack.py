import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from align.ingest.contents import Message
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.slack import READER
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

ANN, BOB, BOT, CHANNEL, DIRECT = "U0ANN", "U0BOB", "U0BOT", "C0GENERAL", "D0ANNBOB"


def person(id: str, name: str, display: str, real: str, **more: object) -> dict[str, object]:
    profile = {"display_name": display, "real_name": real, "email": f"{name}@x.example"}
    return {"id": id, "team_id": "T0", "name": name, "real_name": real, "profile": profile, **more}


USERS = json.dumps(
    [
        person(ANN, "ann", "Ann K.", "Ann Kestrel", is_bot=False),
        person(BOB, "bob", "", "Bob Larch", is_bot=False),
        person(BOT, "tides", "Tides", "Tides", is_bot=True),
    ]
)
LISTS = {
    "users.json": USERS,
    "channels.json": json.dumps(
        [{"id": CHANNEL, "name": "general", "creator": ANN, "members": [ANN, BOB]}]
    ),
    "groups.json": "[]",
    "dms.json": json.dumps([{"id": DIRECT, "created": 1, "members": [ANN, BOB]}]),
    "mpims.json": json.dumps(
        [{"id": "G0", "name": "mpdm-ann--bob--cor-1", "members": [ANN, BOB, "U0"]}]
    ),
    "integration_logs.json": "[]",
}


def row(ts: str, user: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": ts, "team": "T0", **more}


def rich(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    section = {"type": "rich_text_section", "elements": list(elements)}
    return [{"type": "rich_text", "block_id": "b", "elements": [section]}]


def day(*rows: dict[str, Any]) -> str:
    return json.dumps(list(rows), indent=4)


WAVE = {"type": "emoji", "name": "wave", "unicode": "1f44b"}
EXPORT = {
    **LISTS,
    "general/2024-05-02.json": day(
        row("1714665600.000300", ANN, "second &lt;3 &amp; 1 :wave: :own_one:", blocks=rich(WAVE)),
        row("1714665600.000100", BOB, f"<@{ANN}> see <#{CHANNEL}|general> <!here>"),
        row("1714665601.000000", BOB, "<@U0BOB> has joined the channel", subtype="channel_join"),
        row("1714665602.000000", ANN, "who comes?", thread_ts="1714665602.000000", reply_count=1),
        row("1714665603.000000", ANN, "read <https://x.example/a?b=1&amp;c|this> <mailto:a@x|a@x>"),
        row("1714665604.000000", BOT, "tide: 3 m", bot_id="B1"),
        row(
            "1714665605.000000",
            ANN,
            "",
            attachments=[{"is_share": True, "is_msg_unfurl": True, "text": "Bob's <!here> words"}],
        ),
        row("1714665606.000000", ANN, "", files=[{"id": "F1", "name": "boat.png"}]),
    ),
    "general/2024-05-03.json": day(
        row("1714752000.000000", BOB, "me", thread_ts="1714665602.000000", parent_user_id=ANN),
        row("1714752001.000000", ANN, "next day", edited={"user": ANN, "ts": "1714752009.000000"}),
    ),
    f"{DIRECT}/2024-05-02.json": day(row("1714665600.000100", BOB, "psst")),
}


def said(user: str, ts: str, text: str, **more: Any) -> Message:
    whole, _, part = ts.partition(".")
    return Message(
        chat=more.pop("chat", CHANNEL),
        author={ANN: "Ann K.", BOB: "Bob Larch", BOT: "Tides"}[user],
        text=text,
        time=datetime.fromtimestamp(int(whole), UTC).replace(microsecond=int(part)),
        key=ts,
        author_key=user,
        title=more.pop("title", "#general"),
        **more,
    )


THREAD = f"{CHANNEL}/1714665602.000000"
GENERAL = [
    said(BOB, "1714665600.000100", "@Ann K. see #general @here"),
    said(ANN, "1714665600.000300", "second <3 & 1 👋 :own_one:"),
    said(BOB, "1714665601.000000", "@Bob Larch has joined the channel", reason="system"),
    said(ANN, "1714665603.000000", "read this a@x"),
    said(BOT, "1714665604.000000", "tide: 3 m", reason="system"),
    said(ANN, "1714665605.000000", "Bob's @here words", reason="forwarded"),
    said(ANN, "1714665606.000000", "", reason="media-only"),
    said(ANN, "1714752001.000000", "next day"),
    said(ANN, "1714665602.000000", "who comes?", thread=THREAD),
    said(BOB, "1714752000.000000", "me", thread=THREAD, reply_to="1714665602.000000"),
]
DIRECTLY = said(BOB, "1714665600.000100", "psst", chat=DIRECT, title="Ann K., Bob Larch")


def test_workspace_is_read_channel_by_channel_with_threads_apart(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "Harbour Slack export May 1 2024 - May 31 2024.zip", EXPORT)
    folder = write_folder(tmp_path / "export", EXPORT)
    assert read_with(READER, archive) == [DIRECTLY, *GENERAL]
    assert read_with(READER, folder) == [DIRECTLY, *GENERAL]
    assert len(claimed(READER, tree_of(folder, ReadLog().problem))[0].names) == len(EXPORT)


def test_workspace_may_lie_deeper_beside_other_things(tmp_path: Path) -> None:
    files = {f"work/slack/{name}": text for name, text in EXPORT.items()}
    folder = write_folder(tmp_path, {**files, "work/notes.md": "mine", "2024-01-01.json": "[1]"})
    assert read_with(READER, folder) == [DIRECTLY, *GENERAL]
    (inputs,) = claimed(READER, tree_of(folder, ReadLog().problem))
    assert set(inputs.names) == set(files)


@pytest.mark.parametrize("me", ["ann@x.example", "ANN", "@Ann  K.", "Ann Kestrel", ANN])
def test_owner_is_known_by_id_name_and_address(tmp_path: Path, me: str) -> None:
    found = messages(read_with(READER, write_folder(tmp_path, EXPORT), Options(me=(me,))))
    assert {m.author for m in found if m.is_owner} == {"Ann K."}
    assert {m.is_owner for m in found if m.author_key != ANN} == {None}


def test_a_channel_or_a_day_may_be_named_alone(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, EXPORT)
    found = messages(read_with(READER, folder / "general"))
    assert [m.key for m in found] == [m.key for m in GENERAL]
    assert {(m.chat, m.title) for m in found} == {("general", "#general")}
    assert len(read_with(READER, folder / "general" / "2024-05-03.json")) == 2


def test_old_dialect_has_sentences_around_files_and_bots_by_subtype(tmp_path: Path) -> None:
    old = day(
        row(
            "1400000001.000002",
            ANN,
            f"<@{ANN}|ann> uploaded a file: <https://x.example/f|boat.png> and commented: look",
            subtype="file_share",
            upload=True,
            file={"id": "F1", "initial_comment": {"user": ANN, "comment": "look, a boat"}},
        ),
        row("1400000002.000002", ANN, f"<@{ANN}|ann> uploaded a file: <u|n>", subtype="file_share",
            file={"id": "F2"}),
        {"type": "message", "subtype": "file_comment", "ts": "1400000003.000002",
         "text": f"<@{BOB}|bob> commented on <@{ANN}|ann>'s file <u|n>: mine",
         "comment": {"user": BOB, "comment": "that is mine &gt;:("}},
        {"type": "message", "subtype": "bot_message", "ts": "1400000004.000002",
         "username": "hubot", "text": "", "attachments": [{"fallback": "build passed"}]},
        row("1400000005.000002", ANN, "waves", subtype="me_message"),
        row("1400000006.000002", BOB, "gone", subtype="message_deleted"),
    )  # fmt: skip
    folder = write_folder(tmp_path, {**LISTS, "general/2014-05-13.json": old})
    found = messages(read_with(READER, folder))
    assert [(m.author, m.text, m.reason) for m in found] == [
        ("Ann K.", "look, a boat", None),
        ("Ann K.", "", "media-only"),
        ("Bob Larch", "that is mine >:(", None),
        ("hubot", "build passed", "system"),
        ("Ann K.", "waves", None),
    ]


def test_text_is_taken_from_blocks_where_there_is_no_other(tmp_path: Path) -> None:
    blocks = [
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "user", "user_id": BOB},
                        {"type": "text", "text": " bring "},
                        WAVE,
                        {"type": "link", "url": "https://x.example"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "rope"}],
                        }
                    ],
                },
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "old"}]},
            ],
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": "and *salt* &amp; <!here>"}},
    ]
    folder = write_folder(
        tmp_path,
        {**LISTS, "general/2024-05-02.json": day(row("1714665600.1", ANN, "", blocks=blocks))},
    )
    expected = "@Bob Larch bring 👋https://x.example\n• rope\n> old\nand *salt* & @here"
    assert texts(read_with(READER, folder)) == [expected]


def test_a_comment_on_a_shared_message_is_the_authors_own(tmp_path: Path) -> None:
    shared = row("1714665600.1", ANN, "ha", attachments=[{"is_share": True, "text": "Bob's words"}])
    guest = row("1714665601.1", "W9", "hello", user_profile={"real_name": "Cor Elm", "name": "cor"})
    folder = write_folder(tmp_path, {**LISTS, "general/2024-05-02.json": day(shared, guest)})
    found = messages(read_with(READER, folder))
    assert [(m.author, m.text, m.reason, m.raw) for m in found] == [
        ("Ann K.", "ha", None, "ha\n\nBob's words"),
        ("Cor Elm", "hello", None, None),
    ]


def test_damaged_day_and_lists_cost_only_themselves(tmp_path: Path) -> None:
    name = "general/2024-05-02.json"
    cut = EXPORT[name][: EXPORT[name].index("who comes")]
    log = ReadLog()
    folder = write_folder(tmp_path, {**EXPORT, name: cut, "users.json": USERS[:50]})
    found = messages(read_with(READER, folder, log=log))
    assert [m.text for m in found if m.chat == CHANNEL][-2:] == ["next day", "me"]
    assert len(found) == 6 and found[0].author == BOB
    assert [name in str(problem) for problem in log.problems] == [False, True]


def test_empty_workspace_and_other_days_are_told_apart(tmp_path: Path) -> None:
    empty = write_folder(tmp_path / "empty", LISTS)
    assert len(claimed(READER, tree_of(empty, ReadLog().problem))) == 1
    assert read_with(READER, empty) == []
    other = write_folder(tmp_path / "other", {"steps/2024-05-02.json": '[{"steps": 4000}]'})
    assert claimed(READER, tree_of(other, ReadLog().problem)) == []


SMALL = {
    "users.json": USERS,
    "channels.json": LISTS["channels.json"],
    "general/2024-05-02.json": EXPORT["general/2024-05-02.json"],
}


# Every file of a case costs as much as reading it.
FEWER = {name: SMALL[name] for name in ("users.json", "general/2024-05-02.json")}


def test_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, SMALL, tmp_path, FEW, options=Options(me=("ann",)))


@pytest.mark.slow
def test_much_damage_raises_nothing(tmp_path: Path) -> None:
    survives_damage(READER, FEWER, tmp_path, MANY, options=Options(me=("ann",)))
