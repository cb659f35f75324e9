"""The texts of a store that are private, and those that are open, as they are and redacted."""

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator

from align.levels import SENDABLE, from_stored, may_be_sent, stored, trainable
from align.paths import project_root
from align.privacy.normal_form import texts_in
from align.privacy.redaction import Redactor
from align.privacy.runs import Texts
from align.privacy.scope import Scope
from align.privacy.word_runs import KNOWN, NEITHER, OPEN, PRIVATE
from align.store import private_rows

# Copies, and what somebody else wrote, don't tell how many people write so.
_NOT_OWN_WORDS = frozenset(
    ("duplicate", "near-duplicate", "superseded", "forwarded", "quoted", "copy-paste", "system")
)


class StoreTexts:
    """Reads private and open texts, and remembers what it read of pairs and prompts.

    With the owner's redactor, since a model may repeat a text as it learned it. `known` is what a
    judge is told anyway, `scope` what is private.
    """

    def __init__(
        self, conn: sqlite3.Connection, redactor: Redactor, known: Iterable[str], scope: Scope
    ) -> None:
        self._conn, self._redactor, self._known = conn, redactor, tuple(known)
        self._scope = scope
        self._levels = private_rows.levels(conn)
        self._pairs: dict[str, int] = {}
        self._prompts: dict[str, int] = {}
        self._last_event = 0

    def open_texts(self, *, has_sealed: bool) -> Texts:
        """Return the open texts, the shipped ones, and what a judge is told.

        Without sealed texts, train-only ones excuse nothing.
        """
        texts = Texts(is_private=False)
        excused = self._scope.excused if has_sealed else SENDABLE
        for number, level, *_, title, text, raw, _ in private_rows.records_of(self._conn, excused):
            # What is no secret of sealed writing may be one of its own.
            mark = OPEN if may_be_sent(from_stored(level)) else NEITHER
            for content in (text, title, raw):
                self._add(texts, content, mark, number)
        for mark, contents in ((OPEN, _shipped_texts()), (KNOWN, self._known)):
            for content in contents:
                self._add(texts, content, mark)
        return texts

    def add_records(self, texts: Texts) -> tuple["array[int]", "array[int]"]:
        """Add the private records; return who wrote each text, and in which conversation."""
        authors, threads = array("q"), array("q")
        people: dict[str | None, int] = {}
        conversations: dict[str, int] = {}
        titles = set()
        rows = private_rows.private_records(self._conn, self._scope.least)
        for _, level, author, is_owner, thread, title, text, raw, left_out in rows:
            person = people.setdefault(None if is_owner else author, len(people))
            conversation = conversations.setdefault(thread, len(conversations))
            own = trainable(from_stored(level)) and left_out not in _NOT_OWN_WORDS
            added = self._add(texts, text, level)
            authors.extend([person if own else -1] * added)
            # A chat's title stands with each of its messages; nobody wrote it there.
            contents = (raw, None if (title, level) in titles else title)
            titles.add((title, level))
            more = sum(self._add(texts, content, level) for content in contents)
            authors.extend([-1] * more)
            threads.extend([conversation] * (added + more))
        return authors, threads

    def add_risen(self, texts: Texts) -> set[int]:
        """Add the records that are more private than they were; return their numbers."""
        was, self._levels = self._levels, private_rows.levels(self._conn)
        least = stored(self._scope.least)
        risen = {
            number
            for number, level in enumerate(self._levels)
            if level >= least and level > (was[number] if number < len(was) else -1)
        }
        for row in private_rows.records_numbered(self._conn, sorted(risen)):
            _, level, *_, title, text, raw, _ = row
            for content in (text, title, raw):
                self._add(texts, content, level)
        return risen

    def add_prompts(self, texts: Texts) -> None:
        """Add the prompts that were not known to be so private."""
        for id, contents, level in private_rows.private_prompts(self._conn, self._scope.least):
            if level > self._prompts.get(id, 0):
                self._prompts[id] = level
                self._add_all(texts, contents, level)

    def add_pairs(self, texts: Texts) -> None:
        """Add pairs that were not known to be so private, and the owner's words on all of them."""
        self._add_pairs(texts, private_rows.private_pairs(self._conn, self._scope.least))

    def add_marked_pairs(self, texts: Texts) -> None:
        """Add the pairs that the owner marked private since, and what came to be said of pairs."""
        marked = private_rows.marked_pairs(self._conn)
        new = [id for id in marked if self._pairs.get(id) != PRIVATE]
        self._add_pairs(texts, private_rows.pairs_of(self._conn, new))

    def _add_pairs(self, texts: Texts, pairs: Iterable[tuple[str, list[str], int]]) -> None:
        if not self._scope.pairs:
            return
        marked = private_rows.marked_pairs(self._conn)
        new: dict[str, int] = {}
        for id, contents, level in pairs:
            mark = PRIVATE if id in marked else level
            if mark > self._pairs.get(id, 0):
                new[id] = mark
                # Of other pairs the prompt is as private as the pair, and known already.
                first = 0 if mark == PRIVATE else len(contents) - 2
                self._add_all(texts, contents, mark, first)
        self._pairs |= new
        last = self._last_event
        for number, id, payload in private_rows.words_about_pairs(self._conn):
            if id in new or (number > last and id in self._pairs):
                self._add_all(texts, texts_in(json.loads(payload)), self._pairs[id])
            self._last_event = max(self._last_event, number)

    def _add_all(self, texts: Texts, contents: list[str], mark: int, first: int = 0) -> None:
        """Add those of texts that belong together that stand from `first` on."""
        # They are redacted together too: a value has one placeholder in all of them.
        together = self._redactor.redact_texts(contents)
        for content, redacted in list(zip(contents, together, strict=True))[first:]:
            texts.add(content, mark)
            if redacted != content:
                texts.add(redacted, mark)

    def _add(self, texts: Texts, content: str | None, mark: int, record: int = -1) -> int:
        """Add a text as it is and as it is redacted; return how many of these count as words."""
        if not content:
            return 0
        added = texts.add(content, mark, record)
        if (redacted := self._redactor.redact(content)) != content:
            added += texts.add(redacted, mark, record)
        return added


def _shipped_texts() -> Iterator[str]:
    """Yield the prompts that come with the toolkit, and what stands beside them."""
    for path in sorted((project_root() / "data" / "prompts").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                yield from texts_in(json.loads(line))
