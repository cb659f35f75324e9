"""Prompts: what people asked the owner, what the owner adds, what comes with the toolkit."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from align.console import progress
from align.conversations.turns import SpeakingTurn, join_burst, speaking_turns
from align.errors import UserError
from align.files import parse_jsonl
from align.ingest.decoding import clean, decoded
from align.levels import most_private, trainable
from align.owner import Owner
from align.paths import project_root
from align.privacy.redaction import Redactor, redactor_for
from align.store.ids import Split, content_id, split_of
from align.store.neighbours import (
    Place,
    follows_owner,
    newest_first,
    next_owner_messages,
    owner_messages,
    records_around,
)
from align.store.prompts import Message, Prompt, PromptSource, add_prompts, prompt_ids
from align.store.records import Record
from align.store.row_counts import asked_prompts
from align.store.tables import Added

# What people asked: so many prompts on the training side, and a share of it for evaluation.
MOST_ASKED = 2000
EVALUATED = 4
# How many turns before an answer go into its prompt.
CONTEXT_TURNS = 8
# How far a conversation is read around an answer: further than most conversations are long.
_BEFORE, _AFTER = 200, 50
# In a channel the owner may answer several people before they answer this one.
_REPLIES_TRIED = 4

Row = tuple[list[Message], str | None]


class Exchange(NamedTuple):
    """A prompt that somebody asked the owner, and the owner's reply."""

    prompt: Prompt
    reply: str


def bundled_file() -> Path:
    """Return the list that comes with the toolkit."""
    return project_root() / "data" / "prompts" / "prompts.jsonl"


def bundled_prompts(held_out: float) -> list[Prompt]:
    """Return the shipped prompts; each thread is on the side that its hash says."""
    return read_prompts(bundled_file(), held_out, source="bundled")


def add_bundled_prompts(conn: sqlite3.Connection, held_out: float) -> Added:
    """Add the shipped prompts to the store; those that are there stay as they are."""
    return add_prompts(conn, bundled_prompts(held_out))


def read_prompts(path: Path, held_out: float, *, source: PromptSource = "added") -> list[Prompt]:
    """Read prompts: JSONL of `prompt` or `messages` with a `thread`, or text with one a line.

    Raises:
        UserError: No such file, not text, a line without a prompt, or nothing in it.
    """
    if not path.is_file():
        raise UserError(path, "no such file", "Name a .jsonl or .txt file of prompts")
    text = decoded(path.read_bytes())
    if text is None:
        raise UserError(path, "binary, not text", "Name a .jsonl or .txt file of prompts")
    rows = _jsonl(text, path) if path.suffix == ".jsonl" else _lines(text)
    prompts = list(_prompts(rows, held_out, source))
    if not prompts:
        raise UserError(path, "no prompts in it", "Write one prompt a line")
    return prompts


def add_asked_prompts(conn: sqlite3.Connection, owner: Owner, *, limit: int = MOST_ASKED) -> Added:
    """Add what people asked the owner, each with the turns before it.

    Answers are taken in the order of their records' ids, until `limit` prompts stand on the
    training side and a quarter of it on the evaluation side. `known` are those that stood before.
    """
    before = asked_prompts(conn)
    most: dict[Split, int] = {"train": limit, "evaluation": limit // EVALUATED}
    room = {split: max(0, number - before[split]) for split, number in most.items()}
    prompts = _prompts_of_records(conn, owner, dict(room))
    added = add_prompts(
        conn, list(progress(prompts, sum(room.values()), "What people asked", unit="prompts"))
    )
    return Added(added.new, before.total())


def true_replies(
    conn: sqlite3.Connection, owner: Owner, prompts: Iterable[Prompt]
) -> dict[str, str]:
    """Return the owner's replies by prompt, redacted as the prompts are.

    Where a prompt was asked often, the reply is of its own thread. Prompts that nobody asked have
    none, nor has one whose reply is sealed or left out by now.
    """
    redactor = redactor_for(owner)
    replies: dict[str, str] = {}
    for prompt in prompts:
        if prompt.source != "asked":
            continue
        reply = _true_reply(conn, prompt, owner, redactor)
        if reply is not None:
            replies[prompt.id] = reply
    return replies


def _true_reply(
    conn: sqlite3.Connection, prompt: Prompt, owner: Owner, redactor: Redactor
) -> str | None:
    tried: set[str] = set()
    for record in newest_first(conn, prompt.thread, prompt.records):
        for place in next_owner_messages(conn, prompt.thread, record, _REPLIES_TRIED):
            if place.id in tried or follows_owner(conn, place) is not False:
                continue
            tried.add(place.id)
            exchange = _exchange(conn, place, owner, redactor)
            # Other settings of the owner's may word the same records otherwise.
            if exchange is not None and (
                exchange.prompt.id == prompt.id
                or set(exchange.prompt.records) == set(prompt.records)
            ):
                return exchange.reply
    return None


def _prompts_of_records(
    conn: sqlite3.Connection, owner: Owner, room: dict[Split, int]
) -> Iterator[Prompt]:
    """Yield what was asked until there is no room for more; what is known takes none."""
    redactor = redactor_for(owner)
    known = prompt_ids(conn)
    for place in owner_messages(conn) if any(room.values()) else ():
        if not room[place.split] or follows_owner(conn, place) is not False:
            continue
        exchange = _exchange(conn, place, owner, redactor)
        if exchange is None:
            continue
        yield exchange.prompt
        if exchange.prompt.id not in known:
            known.add(exchange.prompt.id)
            room[place.split] -= 1
            if not any(room.values()):
                return


def _exchange(
    conn: sqlite3.Connection, place: Place, owner: Owner, redactor: Redactor
) -> Exchange | None:
    """Return what a message of the owner's answers; None where it answers nothing, or goes on."""
    records = records_around(conn, place, before=_BEFORE, after=_AFTER)
    turns = speaking_turns(records, owner.conversations)
    if len(records) > _BEFORE and records[_BEFORE].id == place.id:
        turns = turns[1:]  # What it begins with may be missing.
    at = next((at for at, turn in enumerate(turns) if _begins_with(turn, place.id)), None)
    if at is None or not turns[at].is_learned or _refers_elsewhere(turns[at], records):
        return None
    context = _context(turns[: at + 1])
    behind = [record for turn in context for record in turn.records]
    if not context or not all(trainable(record.level) for record in (*behind, *turns[at].records)):
        return None
    *messages, reply = redactor.redact_messages(
        [
            {"role": "assistant" if turn.is_owner else "user", "content": turn.text}
            for turn in (*context, turns[at])
        ]
    )
    prompt = Prompt.new(
        messages,
        source="asked",
        thread=place.thread,
        split=place.split,
        level=most_private(record.level for record in behind),
        records=[record.id for record in behind],
    )
    return Exchange(prompt, reply["content"])


def _begins_with(turn: SpeakingTurn, id: str) -> bool:
    own = (record for record in turn.records if record.is_owner and record.left_out is None)
    first = next(own, None)
    return turn.is_owner and first is not None and first.id == id


def _refers_elsewhere(turn: SpeakingTurn, records: list[Record]) -> bool:
    """Tell whether an answer links to what is not in its conversation."""
    known = {record.key for record in records}
    return any(record.reply_to and record.reply_to not in known for record in turn.records)


def _context(turns: list[SpeakingTurn]) -> list[SpeakingTurn]:
    """Return what was said before the last turn and belongs to it, somebody else first."""
    context: list[SpeakingTurn] = []
    for turn, after in zip(reversed(turns[:-1]), reversed(turns), strict=False):
        if after.starts_anew or len(context) == CONTEXT_TURNS:
            break
        context.insert(0, turn)
    while context and context[0].is_owner:
        context = context[1:]
    return context if context and not context[-1].is_owner else []


def _jsonl(text: str, path: Path) -> Iterator[Row]:
    for number, row in parse_jsonl(text.split("\n"), str(path)):
        where, thread = f"{path}:{number}", row.get("thread")
        if "messages" in row:
            messages = _turns_of(row["messages"], where)
        else:
            messages = _turns_of([{"role": "user", "content": row.get("prompt")}], where)
        if thread is not None and not isinstance(thread, str):
            raise UserError(where, "'thread' is not a text", "Write it as a text")
        yield messages, thread


def _turns_of(messages: Any, where: str) -> list[Message]:
    """Return messages in which both sides take turns; what one says in a row is a burst."""
    turns: list[tuple[str, list[str]]] = []
    for message in messages if isinstance(messages, list) else []:
        role, content = (
            (message.get("role"), message.get("content")) if isinstance(message, dict) else (0, 0)
        )
        if role not in ("user", "assistant") or not isinstance(content, str) or not clean(content):
            turns = []
            break
        if turns and turns[-1][0] == role:
            turns[-1][1].append(clean(content))
        else:
            turns.append((role, [clean(content)]))
    if not turns:
        what = 'Write {"prompt": "...", "thread": "..."}'
        raise UserError(where, "no prompt in this line", what)
    if (turns[0][0], turns[-1][0]) != ("user", "user"):
        what = "the messages don't begin and end with the user's"
        raise UserError(where, what, "A twin answers, and somebody asks it")
    return [{"role": role, "content": join_burst(texts)} for role, texts in turns]


def _lines(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        if clean(line):
            yield [{"role": "user", "content": clean(line)}], None


def _prompts(rows: Iterable[Row], held_out: float, source: PromptSource) -> Iterator[Prompt]:
    for messages, own_thread in rows:
        texts = [message["content"] for message in messages]
        thread = own_thread or f"prompt-{content_id(*texts)}"
        yield Prompt.new(messages, source=source, thread=thread, split=split_of(thread, held_out))
