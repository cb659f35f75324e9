"""Two hundred private sentences, planted wherever an owner's store and settings hold text.

Each has words of its own that nobody else says, at least one in any four in a row: where none of
these words is found, neither is any eight words of a sentence, nor a whole short one.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

from align.levels import Level
from align.store.adding import add_records
from align.store.events import NewEvent, append_events
from align.store.prompts import Prompt
from align.store.records import Record
from tests.e2e.judged_owner import THINGS, add_pair, chose
from tests.store.rows import record

MOST_SHORT = 7
_PLAIN = (
    "and", "never", "told", "anybody", "where", "the", "old", "für", "was", "after", "all",
    "those", "years", "because", "we", "could", "not", "go",
)  # fmt: skip
_FIRST = ("vel", "zor", "quim", "brask", "thol", "yev", "drun", "fip", "glon", "hask")
_THEN = ("moric", "ditha", "lanth", "vuxo", "pelgar", "sindle", "wortha", "jemmy", "krabe", "tosh")
_LAST = ("ane", "ilk", "osk", "ump", "ezz", "ooth", "arn")
_NUMBERS = count(10_000)


def _coined() -> Iterator[str]:
    for last in _LAST:
        for first in _FIRST:
            for then in _THEN:
                yield first + then + last


def _sentences() -> Iterator[tuple[str, list[str]]]:
    """Yield sentences of 5 to 15 words, one of three short, and the words that only each has."""
    coined, plain = _coined(), cycle(_PLAIN)
    lengths = cycle((5, 8, 12, 6, 9, 14, 7, 10, 15, 4, 11, 13))
    for length in lengths:
        said = [next(coined) if at % 4 == 1 else next(plain) for at in range(length)]
        yield " ".join(said).capitalize(), said[1::4]


def is_short(sentence: str) -> bool:
    return len(sentence.split()) <= MOST_SHORT


def within(sentence: str) -> str:
    return f"Number {next(_NUMBERS)}, mind you: {sentence}. So much for that."


def whole_or_within(sentence: str) -> str:
    """A short text is closed as a whole, a longer one wherever it stands."""
    return f"{sentence}." if is_short(sentence) else within(sentence)


# How an answer repeats what it must not.
REPEATS: tuple[Callable[[str], str], ...] = (
    lambda said: said,
    lambda said: within(said.upper()),
    lambda said: "I say, mate: *" + ",\n  ".join(said.split()) + "*!",
    within,
)


class Planted:
    """Plants the sentences in a store, and remembers where.

    Attributes:
        sentences: By kind of place.
        settings: What owner.yaml is to say.
        repeated: Kinds of which open writing repeats the sentences.
    """

    repeated = ("answers", "prompts", "private pairs", "rewrites", "notes", "settings")

    def __init__(self, facts: dict[str, str], rubric: str) -> None:
        source = _sentences()
        self.words: dict[str, str] = {}
        self.sentences: dict[str, list[str]] = {}
        for kind, many in (
            ("records", 60), ("answers", 60), ("prompts", 15), ("closed prompts", 15),
            ("private pairs", 20), ("rewrites", 10), ("notes", 10), ("settings", 10),
        ):  # fmt: skip
            drawn = [next(source) for _ in range(many)]
            self.sentences[kind] = [sentence for sentence, _ in drawn]
            self.words |= {word: kind for sentence, own in drawn for word in own}
        told = self.sentences["settings"]
        self.settings: dict[str, Any] = {
            "facts": facts | {f"What of {THINGS[at]}?": within(told[at]) for at in range(5)},
            "rubric": "\n".join([rubric, *map(within, told[5:])]),
        }

    def plant(self, conn: sqlite3.Connection) -> None:
        """Plant all of them, but for what stands in owner.yaml."""
        said = self.sentences
        add_records(conn, list(self._records(said["records"])))
        for kind in ("answers", "prompts", "settings"):
            add_records(conn, [_record(each, at) for at, each in enumerate(said[kind])])
        for at, each in enumerate(said["answers"]):
            pair = _pair(conn, answer=REPEATS[at % len(REPEATS)](each))
            if at % 4 == 0:
                append_events(conn, [chose(pair, "ab"[at % 8 // 4])])
        for at, each in enumerate(said["prompts"]):
            earlier = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": each}]
            _pair(conn, within(each)) if at % 3 else _pair(conn, earlier=earlier)
        for at, each in enumerate(said["closed prompts"]):
            behind = _record(each, at)
            add_records(conn, [behind])
            pair = _pair(conn, behind.text, answer=within(each), records=[behind.id])
            append_events(conn, [chose(pair, "a")] if at % 2 else [])
        self._plant_private(conn)

    def leaks(self, *texts: str | bytes) -> dict[str, set[str]]:
        """Return the words of private sentences that stand in texts, by where they were planted."""
        found: dict[str, set[str]] = {}
        for text in texts:
            said = (text if isinstance(text, str) else text.decode("latin-1")).casefold()
            for word, kind in self.words.items():
                if word in said:
                    found.setdefault(kind, set()).add(word)
        return found

    def _records(self, sentences: list[str]) -> Iterator[Record]:
        for at, each in enumerate(sentences):
            if at % 6 == 4:
                yield _record(f"Nothing, {at}.", at, kind="document", title=whole_or_within(each))
            elif at % 6 == 5:
                yield _record(f"Nothing, {at}.", at, raw=whole_or_within(each))
            else:
                yield _record(each, at)

    def _plant_private(self, conn: sqlite3.Connection) -> None:
        events = []
        for at, each in enumerate(self.sentences["private pairs"]):
            closed = whole_or_within(each)
            pair = _pair(conn, closed) if at % 4 == 0 else _pair(conn, answer=closed)
            events += [NewEvent("private", "owner", pair)] + ([chose(pair, "b")] if at % 3 else [])
            _pair(conn, answer=within(each))
        for kind in ("rewrites", "notes"):
            for at, each in enumerate(self.sentences[kind]):
                pair = _pair(conn)
                words = NewEvent("rewrite", "owner", pair, {"text": whole_or_within(each)})
                if kind == "notes":
                    words = NewEvent("note", "owner", pair, {"text": whole_or_within(each)})
                events.append(words)
                if at % 2:
                    events.append(NewEvent("private", "owner", pair))
                    _pair(conn, answer=within(each))
        append_events(conn, events)


def _record(sentence: str, at: int, **changes: Any) -> Record:
    level: Level = "sealed" if at % 2 else "train-only"
    left_out = (None, "too-short", "copy-paste", None, "near-duplicate")[at % 5]
    place = {"origin": f"chats.jsonl#{next(_NUMBERS)}", "left_out": left_out, "level": level}
    place["thread"] = place["origin"]
    return record(whole_or_within(sentence), **{**place, **changes})


def _pair(
    conn: sqlite3.Connection,
    asked: str | None = None,
    *,
    answer: str | None = None,
    earlier: list[dict[str, str]] | None = None,
    records: list[str] | None = None,
) -> str:
    number = next(_NUMBERS)
    # Of few words, so that a private pair closes no other one with them.
    turns = [*(earlier or ()), {"role": "user", "content": asked or f"Number {number}?"}]
    prompt = Prompt.new(
        turns, source="added", thread=f"thread {number}", split="train", records=records or ()
    )
    return add_pair(conn, prompt, (answer or f"Fine, {number}.", f"No, {number + 1}."))
