"""What must not leave this machine: finds texts that repeat closed writing.

Closed are records that are train-only or sealed, prompts made of them, pairs of such prompts, and
pairs that the owner marked private, with their rewrites and notes. A text repeats one of these
where it holds eight or more of its words in a row, or a whole one of four to seven words; fewer
are anybody's.

Some runs are no secret, and a gate that stops at them would stop everything:

- those that stand in open writing: open records, the prompts that come with the toolkit, and what
  a judge is told;
- those of train-only writing that at least three people wrote in at least five conversations:
  "have a great day and see you next week". Sealed writing is made open by open writing only, for
  what many write in closed chats is no less closed in a journal.

What the owner marked private counts even where a judge is told the same words; only what he has
open elsewhere, or what everybody has with this toolkit, is no secret of that pair.
"""

import json
import re
import sqlite3
import time
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from align.owner import Owner
from align.privacy.redaction import redactor_for
from align.store import private_rows as closed_rows
from align.store.private_rows import State, levels, version

if TYPE_CHECKING:
    # NumPy costs a command that needs none of this a tenth of a second.
    from align.privacy.word_runs import Texts

Why = Literal["train-only", "sealed", "private"]
# The store's levels, and above them what the owner marked.
_WHY: dict[int, Why] = {1: "train-only", 2: "sealed", 3: "private"}
_PRIVATE, _OPEN, _KNOWN = 3, 1, 2
# Copies, and what somebody else wrote, don't tell how many people write so.
_NOT_OWN_WORDS = frozenset(
    ("duplicate", "near-duplicate", "superseded", "forwarded", "quoted", "copy-paste", "system")
)
# Seconds between two looks. Whether a record rose takes a quarter of a second to tell in a store of
# a million: there, that is looked for less often than what the labeler marks.
_LOOK_EVERY, _RARELY, _LOOK_SHARE = 1.0, 10.0, 0.05
# Four words without blanks between them have five letters.
_SHORTEST = 5
# How many letters of texts are remembered: a judge's questions share a long beginning.
_REMEMBERED = 4_000_000
# What no store's version is.
_CHANGED = (-1, -1)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf\"/\\])")


class Match(NamedTuple):
    """What of a text is closed, without its words.

    Attributes:
        why: How closed it is: `private` is a pair that the owner marked.
        words: How many words in a row.
    """

    why: Why
    words: int


class PrivateText:
    """Finds texts that repeat a store's closed writing.

    Args:
        conn: The store.
        settings: Its owner's: closed writing is found as it is, and as it is redacted.
        known: What a judge is told anyway, such as its own prompt.
    """

    def __init__(
        self, conn: sqlite3.Connection, settings: Owner, known: Iterable[str] = ()
    ) -> None:
        self._conn, self._redactor, self._known = conn, redactor_for(settings), tuple(known)
        self._next_look = self._next_thorough = 0.0
        self._seen: tuple[int, int] | None = None
        self._build()

    def match(self, text: str) -> Match | None:
        """Return what the text repeats of closed writing, or None."""
        # A batch has thousands of keys and marks that are no text.
        if len(text) < _SHORTEST:
            return None
        if text in self._answered:
            return self._answered[text]
        found = self._look_for(text)
        # Text that is escaped once more, as JSON within JSON, has other words.
        if found is None and "\\" in text:
            found = self._look_for(_unescaped(text))
        if self._remembered > _REMEMBERED:
            self._forget_answers()
        self._answered[text] = found
        self._remembered += len(text)
        return found

    def refresh(self) -> None:
        """Take in what was closed since; what was opened since stays closed here.

        Costs next to nothing where the store did not change, and looks once a second at most.
        """
        if self._seen is None:
            self._build()
        now = time.monotonic()
        if now < self._next_look or (seen := version(self._conn)) == self._seen:
            return
        # Half a look may have taken in what the next one would take for known.
        self._seen = None
        is_thorough = now >= self._next_thorough
        self._look_again(is_thorough)
        self._next_look = time.monotonic() + _LOOK_EVERY
        # Else the same change is looked at once more.
        self._seen = seen if is_thorough else _CHANGED

    def _build(self) -> None:
        from align.privacy.word_runs import RunSet, Texts

        # Before anything is read: what changes meanwhile is seen at the next look.
        seen = version(self._conn)
        self._seen = None
        self._state, self._levels = State.of(self._conn), levels(self._conn)
        self._pairs: dict[str, int] = {}
        self._prompts: dict[str, int] = {}
        self._last_event = 0
        self._forget_answers()
        self._open, self._open_records = Texts(), array("q")
        self._read_open()
        closed = Texts()
        authors, threads = self._read_closed(closed)
        self._read_prompts(closed)
        self._read_pairs(closed, closed_rows.closed_pairs(self._conn))
        self._base = RunSet(closed)
        self._base.find_common(closed, authors, threads)
        self._base.settle(self._open)
        self._late_texts, self._late = Texts(), RunSet(Texts())
        self._late.settle(self._open)
        self._seen = seen

    def _look_for(self, text: str) -> Match | None:
        from align.privacy.word_runs import SHORT, numbered, runs, tokens

        found = tokens(text)
        if len(found) < SHORT:
            return None
        wanted = runs(numbered(found))
        for known in (self._base, self._late):
            if hit := known.find(wanted):
                return Match(_WHY[hit[0]], hit[1])
        return None

    def _look_again(self, is_thorough: bool) -> None:
        from align.privacy.word_runs import RunSet

        before, state = self._state, self._state.newer(self._conn)
        if is_thorough:
            started = time.monotonic()
            state = State.of(self._conn)
            wait = (time.monotonic() - started) / _LOOK_SHARE
            self._next_thorough = time.monotonic() + min(_RARELY, max(_LOOK_EVERY, wait))
        size = len(self._late_texts)
        reopened = before.records != state.records and self._read_risen(self._late_texts)
        if before[:3] != state[:3]:
            self._read_prompts(self._late_texts)
            self._read_pairs(self._late_texts, closed_rows.closed_pairs(self._conn))
        elif before.events != state.events:
            new = [
                id
                for id in closed_rows.private_pairs(self._conn)
                if self._pairs.get(id) != _PRIVATE
            ]
            self._read_pairs(self._late_texts, closed_rows.pairs_of(self._conn, new))
        if reopened:
            # What was said in the open is said in the open no more.
            self._base.settle(self._open)
        if reopened or len(self._late_texts) > size:
            self._late = RunSet(self._late_texts)
            self._late.settle(self._open)
            self._forget_answers()
        self._state = state

    def _read_open(self) -> None:
        for number, *_, title, text, raw, _ in closed_rows.records(self._conn, "level = 0"):
            for said in (text, title, raw):
                self._open_records.extend([number] * self._add(self._open, said, _OPEN))
        for mark, texts in ((_OPEN, closed_rows.shipped_texts()), (_KNOWN, self._known)):
            for said in texts:
                self._open_records.extend([-1] * self._add(self._open, said, mark))

    def _read_closed(self, texts: "Texts") -> "tuple[array[int], array[int]]":
        """Add the closed records; return who wrote each text, and in which conversation."""
        authors, threads = array("q"), array("q")
        people: dict[str | None, int] = {}
        conversations: dict[str, int] = {}
        titles = set()
        rows = closed_rows.records(self._conn, "level > 0")
        for _, level, author, is_owner, thread, title, text, raw, left_out in rows:
            person = people.setdefault(None if is_owner else author, len(people))
            conversation = conversations.setdefault(thread, len(conversations))
            own = level == 1 and left_out not in _NOT_OWN_WORDS
            added = self._add(texts, text, level)
            authors.extend([person if own else -1] * added)
            # A chat's title stands with each of its messages; nobody wrote it there.
            said = (raw, None if (title, level) in titles else title)
            titles.add((title, level))
            more = sum(self._add(texts, each, level) for each in said)
            authors.extend([-1] * more)
            threads.extend([conversation] * (added + more))
        return authors, threads

    def _read_risen(self, texts: "Texts") -> bool:
        """Add the records that are more private than they were; tell whether one was open."""
        was, self._levels = self._levels, levels(self._conn)
        risen = [
            number
            for number, level in enumerate(self._levels)
            if level > 0 and level > (was[number] if number < len(was) else -1)
        ]
        for number in risen:
            for *_, level, _, _, _, title, text, raw, _ in closed_rows.records(
                self._conn, "number = ?", number
            ):
                for said in (text, title, raw):
                    self._add(texts, said, level)
        once_open = set(risen)
        places = [at for at, number in enumerate(self._open_records) if number in once_open]
        for at in places:
            self._open.marks[at] = 0
        return bool(places)

    def _read_prompts(self, texts: "Texts") -> None:
        for id, contents, level in closed_rows.closed_prompts(self._conn):
            if level > self._prompts.get(id, 0):
                self._prompts[id] = level
                self._add_all(texts, contents, level)

    def _read_pairs(self, texts: "Texts", found: Iterable[tuple[str, list[str], int]]) -> None:
        """Add pairs that were not known to be so private, and the owner's words on all of them."""
        private = closed_rows.private_pairs(self._conn)
        new: dict[str, int] = {}
        for id, contents, level in found:
            mark = _PRIVATE if id in private else level
            if mark > self._pairs.get(id, 0):
                new[id] = mark
                # Of other pairs the prompt is as private as the pair, and known already.
                first = 0 if mark == _PRIVATE else len(contents) - 2
                self._add_all(texts, contents, mark, first)
        self._pairs |= new
        last = self._last_event
        for number, id, payload in closed_rows.words_about_pairs(self._conn):
            if id in new or (number > last and id in self._pairs):
                self._add_all(texts, closed_rows.strings(json.loads(payload)), self._pairs[id])
            self._last_event = max(self._last_event, number)

    def _add_all(self, texts: "Texts", said: list[str], mark: int, first: int = 0) -> None:
        """Add those of texts that belong together that stand from `first` on."""
        # They are redacted together too: a value has one placeholder in all of them.
        together = self._redactor.redact_texts(said)
        for one, redacted in list(zip(said, together, strict=True))[first:]:
            self._add(texts, one, mark)
            if redacted != one:
                self._add(texts, redacted, mark)

    def _add(self, texts: "Texts", said: str | None, mark: int) -> int:
        """Add a text as it is and as it is redacted; return how many of these count."""
        from align.privacy.word_runs import tokens

        if not said:
            return 0
        added = texts.add(tokens(said), mark)
        if (redacted := self._redactor.redact(said)) != said:
            return added + texts.add(tokens(redacted), mark)
        return int(added)

    def _forget_answers(self) -> None:
        self._answered: dict[str, Match | None] = {}
        self._remembered = 0


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
