"""Rows of JSON files and JSON lines, and the conversations that a row holds."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from align.errors import UserError
from align.ingest.contents import Message
from align.ingest.decoding import encoding_of, mended
from align.ingest.formats.json_data import json_items
from align.ingest.reader import Inputs, ReadLog
from align.ingest.tree import LINE, Tree
from align.store.ids import content_id

# A row's cells, by column.
Row = dict[str, str]
LINES = frozenset({".jsonl", ".ndjson"})
# Lists of rows stand under these names where the file is one object.
_WRAPPERS = (
    "data", "train", "rows", "items", "records", "entries", "examples", "exchanges", "questions",
    "posts", "comments", "results", "dialogs", "conversations", "messages",
)  # fmt: skip
_FIRST_ROWS = 20
_EVENTS = 4_000
# Of one file; how many more there are is told in one line.
_MOST_FAULTS = 20


@dataclass
class Shape:
    """How a JSON file begins."""

    # Where its rows are, as ijson writes it: `item`, `data.item`, or `` for one object.
    prefix: str
    columns: list[str]  # keys of the first rows that hold a text or a number, nested ones with dots
    inner: dict[str, set[str]]  # keys of objects in lists inside the first rows, by the list's key


@dataclass
class Faults:
    """What is wrong in one file, logged at its end."""

    inputs: Inputs
    name: str
    log: ReadLog
    errors: list[UserError] = field(default_factory=list)
    more: int = 0

    def add(self, error: UserError) -> None:
        """Keep one fault."""
        if len(self.errors) < _MOST_FAULTS:
            self.errors.append(error)
        else:
            self.more += 1

    def report(self, is_any_read: bool) -> None:
        """Log the faults; only the first of them where nothing could be read."""
        self.log.problems.extend(self.errors if is_any_read else self.errors[:1])
        if self.more and is_any_read:
            place = self.inputs.place(self.name)
            self.log.problem(place, f"{self.more:,} more lines are wrong", "The rest was taken")


@dataclass(frozen=True)
class ExchangeTurn:
    """One turn; `is_owner` is None where a name says who spoke."""

    text: str
    is_owner: bool | None
    author: str
    position: int = 0
    time: datetime | None = None


class ConversationNames:
    """Names the conversations of one file, by the name that it has in the store."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._seen: Counter[str] = Counter()

    def messages(
        self, turns: Sequence[ExchangeTurn], source: str, thread: str | None = None
    ) -> Iterator[Message]:
        """Yield a conversation's messages; what belongs together is `thread`, else itself."""
        # By its first words, not by its line: lines added above it move nothing.
        key = content_id(turns[0].text)
        self._seen[key] += 1
        number = self._seen[key]
        name = f"{self._origin}#{key}" + (f"-{number}" if number > 1 else "")
        for turn in turns:
            yield Message(
                chat=name,
                author=turn.author,
                text=turn.text,
                time=turn.time,
                key=str(turn.position),
                is_owner=turn.is_owner,
                thread=thread or name,
                source=source,
            )


def first_rows(tree: Tree, name: str) -> list[dict[str, Any]]:
    """Return the objects among the first JSON lines; broken ones are passed over."""
    rows = []
    for line in tree.head_text(name).split("\n")[:_FIRST_ROWS]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def shape_of(tree: Tree, name: str) -> Shape | None:
    """Return how a JSON file of rows begins, or None where it has no rows."""
    scalars: dict[str, None] = {}
    keys: dict[str, dict[str, None]] = {}
    for prefix, event, value in _events(tree.head_text(name)):
        if event == "map_key":
            keys.setdefault(prefix, {})[value] = None
        elif event in ("string", "number", "boolean", "null"):
            scalars[prefix] = None
    wrapped = [f"{key}.item" for key in _WRAPPERS if key in keys.get("", {})]
    rows = next((prefix for prefix in ("item", *wrapped, "") if prefix in keys), None)
    if rows is None:
        return None
    # One object with a list of turns is itself the row.
    if rows.endswith(("messages.item", "conversations.item")) and "role" in keys[rows]:
        rows = ""
    within = f"{rows}." if rows else ""
    inside = [p.removeprefix(within) for p in scalars if p.startswith(within)]
    inner = {
        p.removeprefix(within).removesuffix(".item"): set(of)
        for p, of in keys.items()
        if p.startswith(within) and p != rows and p.endswith(".item")
    }
    return Shape(rows, [p for p in inside if p and ".item" not in p], inner)


def json_rows(inputs: Inputs, name: str, prefix: str, log: ReadLog) -> Iterator[Any]:
    """Yield the rows of a JSON file, up to where it is damaged."""
    if prefix and encoding_of(inputs.tree.head(name)) == "utf-8":
        yield from json_items(inputs, name, prefix, log)
        return
    try:
        value = json.loads(inputs.tree.text_of(name).lstrip("\ufeff"))
    except UserError as error:
        log.problems.append(error)
        return
    except (ValueError, RecursionError) as error:
        what = f"not JSON ({' '.join(str(error).split())[:120]})"
        log.problem(inputs.place(name), what, "Export it again")
        return
    for key in prefix.split(".")[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    yield from value if prefix and isinstance(value, list) else [value]


def line_rows(inputs: Inputs, name: str, faults: "Faults") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each JSON line's number, counted from 1, and its object; broken ones are faults."""
    try:
        for number, line in enumerate(inputs.tree.lines_of(name), 1):
            if line.strip():
                try:
                    yield number, _row(line, inputs.place(name, number))
                except UserError as error:
                    faults.add(error)
    except UserError as error:
        faults.add(error)


def _row(line: str, place: str) -> dict[str, Any]:
    if len(line) >= LINE:
        raise UserError(place, f"a line of more than {LINE:,} characters", "Split it")
    what, remedy = "", "Mend or remove that line"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        what = f"not JSON ({error.msg}, column {error.colno})"
    except RecursionError:
        what = "nested too deeply"
    except ValueError:
        what, remedy = "not JSON (a number too long)", "Mend or remove it"
    else:
        if isinstance(row, dict):
            return row
        what, remedy = "not a JSON object", "Each line is one {...}"
    raise UserError(place, what, remedy)


def _events(head: str) -> Iterator[tuple[str, str, Any]]:
    """Yield ijson's events of a beginning, as far as it goes."""
    import ijson

    head = head.lstrip("\ufeff \t\r\n")
    # The head ends in the middle, or is no JSON.
    with suppress(Exception):
        if head.startswith(("[", "{")):
            data = head.encode("utf-8", "replace")
            yield from islice(ijson.parse(data, use_float=True), _EVENTS + 1)


def pair(question: str, answer: str, time: datetime | None = None) -> list[ExchangeTurn]:
    """Return a question to the owner and the answer; nothing where one of them is empty."""
    if not question or not answer:
        return []
    return [
        ExchangeTurn(question, is_owner=False, author="other", position=0, time=time),
        ExchangeTurn(answer, is_owner=True, author="owner", position=1, time=time),
    ]


def useless(turns: Sequence[ExchangeTurn]) -> str | None:
    """Return why nothing can be learned from a conversation, or None."""
    if not turns:
        return "empty"
    if all(turn.is_owner is False for turn in turns):
        return "nothing of the owner's in it"
    return None


def cells_of(row: object, before: str = "", depth: int = 0) -> Row:
    """Return a JSON object's texts and numbers, nested ones under a name with dots."""
    flat: Row = {}
    if not isinstance(row, dict):
        return flat
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and depth < 3:
            flat.update(cells_of(value, f"{name}.", depth + 1))
        elif isinstance(value, str):
            flat[name] = mended(value)
        elif isinstance(value, int | float):
            flat[name] = f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1e18 else ""
        elif value is None:
            flat[name] = ""
    return flat
