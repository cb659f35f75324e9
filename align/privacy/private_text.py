"""What must not leave this machine: finds texts that repeat private writing.

Private are records that are train-only or sealed, prompts made of them, pairs of such prompts, and
pairs that the owner marked private, with their rewrites and notes. A text repeats one of these
where it holds eight or more of its words in a row, one of them changed perhaps, or a whole one of
four to seven words; of sealed writing also the letters of any 24 characters (`letter_runs`).

Some runs are no secret, and a gate that stops at them would stop everything: those that stand in
open writing, in what comes with the toolkit, or in what a judge is told; and those of train-only
writing that three people wrote in five conversations: "have a great day and see you next week".
What many write in private chats is no less private in a journal, and what the owner marked private
counts even where a judge is told the same words.
"""

import html
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from align.owner import Owner
from align.privacy.normal_form import with_gaps
from align.privacy.redaction import redactor_for
from align.privacy.scope import SENT, Match, Scope
from align.store.private_rows import State, version

if TYPE_CHECKING:
    # NumPy costs a command that needs none of this a tenth of a second.
    from align.privacy.runs import Runs, Texts

# Seconds between two looks. Whether a record rose takes a quarter of a second to tell in a store of
# a million: there, that is looked for less often than what the labeler marks.
_LOOK_EVERY, _RARELY, _LOOK_SHARE = 1.0, 10.0, 0.05
# Four words without blanks between them have five letters.
_SHORTEST = 5
# How many texts are remembered: a judge's questions share a long beginning.
_REMEMBERED = 512
# What no store's version is.
_CHANGED = (-1, -1)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf\"/\\])")


class PrivateText:
    """Finds texts that repeat a store's private text, as it is and as it is redacted.

    A judge is told what is `known` anyway, such as its own prompt; `scope` is what is private where
    the texts go.
    """

    def __init__(
        self, conn: sqlite3.Connection, owner: Owner, known: Iterable[str] = (), scope: Scope = SENT
    ) -> None:
        self._conn, self._redactor, self._known = conn, redactor_for(owner), tuple(known)
        self._scope = scope
        self._next_look = self._next_thorough = 0.0
        self._seen: tuple[int, int] | None = None
        self._build()

    def match(self, text: str) -> Match | None:
        """Return what the text repeats of private text, or None."""
        # A batch has thousands of keys and marks that are no text.
        return None if len(text) < _SHORTEST else self._answered(text)

    def refresh(self) -> None:
        """Take in what became private since; what was opened since stays private here.

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
        from align.privacy.runs import Runs, Texts
        from align.privacy.store_texts import StoreTexts

        # Before anything is read: what changes meanwhile is seen at the next look.
        seen = version(self._conn)
        self._seen = None
        self._state = State.of(self._conn)
        self._texts = StoreTexts(self._conn, self._redactor, self._known, self._scope)
        self._forget_answers()
        self._open: Texts | None = None
        texts = Texts(is_private=True)
        authors, threads = self._texts.add_records(texts)
        self._texts.add_prompts(texts)
        self._texts.add_pairs(texts)
        self._base = self._settled(Runs(texts, authors, threads), texts)
        self._late_texts = Texts(is_private=True)
        self._late = Runs(self._late_texts)
        self._seen = seen

    def _settled(self, runs: "Runs", texts: "Texts") -> "Runs":
        """Return runs of texts, of which those count that are a secret."""
        # Where nothing is private, nobody needs to know what is open.
        if len(texts):
            if self._open is None:
                self._open = self._texts.open_texts(has_sealed=len(texts.letters) > 0)
            runs.settle(self._open, quotes=self._scope.quotes)
        return runs

    def _look_for(self, text: str) -> Match | None:
        from align.privacy.runs import Lookup

        for wanted in map(Lookup.of, _readings(text)):
            if match := self._base.find(wanted) or self._late.find(wanted):
                return match
        return None

    def _look_again(self, is_thorough: bool) -> None:
        from align.privacy.runs import Runs

        before, state = self._state, self._state.newer(self._conn)
        if is_thorough:
            started = time.monotonic()
            state = State.of(self._conn)
            wait = (time.monotonic() - started) / _LOOK_SHARE
            self._next_thorough = time.monotonic() + min(_RARELY, max(_LOOK_EVERY, wait))
        size = len(self._late_texts)
        reopened = False
        if before.records != state.records:
            risen = self._texts.add_risen(self._late_texts)
            reopened = self._open is not None and self._open.forget(risen)
        if before[:3] != state[:3]:
            self._texts.add_prompts(self._late_texts)
            self._texts.add_pairs(self._late_texts)
        elif before.events != state.events:
            self._texts.add_marked_pairs(self._late_texts)
        if self._open is not None and reopened:
            # What was said in the open is said in the open no more.
            self._base.settle(self._open, quotes=self._scope.quotes)
        if reopened or len(self._late_texts) > size:
            self._late = self._settled(Runs(self._late_texts), self._late_texts)
            self._forget_answers()
        self._state = state

    def _forget_answers(self) -> None:
        self._answered = lru_cache(_REMEMBERED)(self._look_for)


def _readings(text: str) -> Iterator[str]:
    """Yield a text, and what it may be read as; what is escaped once more has other words."""
    yield text
    others = [] if text.isascii() else [with_gaps(text)]
    others += [html.unescape(text)] if "&" in text else []
    others += [_ESCAPE.sub(_unescaped, text)] if "\\" in text else []
    yield from (other for other in others if other != text)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "
