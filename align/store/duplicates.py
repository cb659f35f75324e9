"""What stands in the store more than once: one copy counts, the others are left out.

The whole store is looked at each time, not only what is new, and the marks depend on what it holds
alone: whichever file is read again, the same copy is kept. A copy on the evaluation side goes
before all others, so that no held-out text is learned; of the rest, the one longest in the store.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from align.console import progress

NearGroups = Callable[[Sequence[str]], list[list[int]]]

# A shorter message may well be written twice by somebody who means it twice.
LONG_MESSAGE_WORDS = 8
_QUOTES = dict.fromkeys(map(ord, "\u2018\u2019\u201a\u02bc"), "'") | dict.fromkeys(
    map(ord, "\u201c\u201d\u201e«»"), '"'
)


def mark_duplicates(conn: sqlite3.Connection, near_groups: NearGroups | None) -> Counter[str]:
    """Mark all copies anew, within a transaction; return how many records are marked, by code.

    The copy that is kept becomes as private as the most private of the others. `near_groups`
    returns the groups of nearly equal texts, by their places among all; None marks equal ones only.
    """
    conn.execute(
        "UPDATE records SET left_out = NULL "
        "WHERE left_out IN ('duplicate', 'near-duplicate', 'near-held-out')"
    )
    for name, columns in _TABLES.items():
        conn.execute(f"CREATE TEMP TABLE {name} ({columns})")
    try:
        _read_store(conn)
        counts = _mark_conversations(conn) + _mark_equal_texts(conn)
        return counts + _mark_near(conn, near_groups) if near_groups else counts
    finally:
        for name in _TABLES:
            conn.execute(f"DROP TABLE IF EXISTS temp.{name}")


# Flat in memory, however large the store; they hold no word of the texts. `trained` is 0 for what
# is held out, so that in order of (trained, number) the copy that is kept comes first.
_TABLES = {
    "conversations": "digest BLOB, trained INT, number INT, thread TEXT, origin TEXT",
    "long_texts": "number INTEGER PRIMARY KEY, digest BLOB, trained INT, level INT",
}


def _read_store(conn: sqlite3.Connection) -> None:
    """Fill the tables: a row for each conversation, and for each text that is compared alone."""
    for (thread, origin, kind), written in groupby(_rows(conn), key=itemgetter(0, 1, 2)):
        row = conn.execute("SELECT split FROM threads WHERE thread = ?", (thread,)).fetchone()
        trained = row is None or row[0] != "evaluation"
        digest = hashlib.blake2b(digest_size=16)
        numbers, alone = [], []
        for _, _, _, number, is_owner, text, level in written:
            if is_owner and (kind == "document" or _is_long(text)):
                alone.append((number, _digest_of(_plain(text)), trained, level))
            # The length keeps ("ab", "c") and ("a", "bc") apart.
            digest.update(f"{is_owner} {len(text)} {text}".encode("utf-8", "surrogatepass"))
            numbers.append(number)
        conn.executemany("INSERT INTO long_texts VALUES (?, ?, ?, ?)", alone)
        # One message alone is no conversation: "Happy birthday!" is said more than once.
        if kind == "turn" and len(numbers) > 1:
            talk = (digest.digest(), trained, min(numbers), thread, origin)
            conn.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", talk)


def _rows(conn: sqlite3.Connection) -> Iterator[tuple[str, str, str, int, int, str, int]]:
    """Yield what takes part, in order: thread, origin, kind, number, is_owner, text, level."""
    total = conn.execute("SELECT count(*) FROM records").fetchone()[0]
    rows = conn.cursor()
    # Plain tuples, a thousand at a time: a million are looked at.
    rows.row_factory = None
    rows.execute(
        "SELECT thread, origin, kind, number, is_owner, text, level FROM records "
        "WHERE left_out IS NULL ORDER BY thread, origin, position, number"
    )
    thousands = iter(lambda: rows.fetchmany(1000), [])
    what = "Looking for copies"
    return chain.from_iterable(
        progress(thousands, total // 1000 + 1, what, unit="thousand records")
    )


def _mark_conversations(conn: sqlite3.Connection) -> Counter[str]:
    """Mark conversations that say the same as another."""
    rows = conn.execute(
        "SELECT digest, thread, origin FROM conversations WHERE digest IN "
        "(SELECT digest FROM conversations GROUP BY digest HAVING count(*) > 1) "
        "ORDER BY digest, trained, number"
    )
    counts: Counter[str] = Counter()
    for _, equals in groupby(rows.fetchall(), key=itemgetter(0)):
        kept, *copies = (_records_of(conn, thread, origin) for _, thread, origin in equals)
        for copy in copies:
            for (number, _), (_, level) in zip(kept, copy, strict=True):
                _as_private_as(conn, number, level)
            counts += _mark(conn, "duplicate", (number for number, _ in copy))
    return counts


class _Copy(NamedTuple):
    """A record that says the same as another."""

    number: int
    trained: int
    level: int


def _records_of(conn: sqlite3.Connection, thread: str, origin: str) -> list[tuple[int, int]]:
    """Return the number and the level of each record of a conversation."""
    rows = conn.execute(
        "SELECT number, level FROM records WHERE thread = ? AND origin = ? "
        "AND kind <> 'document' AND left_out IS NULL ORDER BY position, number",
        (thread, origin),
    )
    return [(row[0], row[1]) for row in rows]


def _mark_equal_texts(conn: sqlite3.Connection) -> Counter[str]:
    """Mark documents and long messages that stand word for word elsewhere."""
    rows = conn.execute(
        "SELECT digest, number, trained, level FROM long_texts WHERE digest IN "
        "(SELECT digest FROM long_texts GROUP BY digest HAVING count(*) > 1) "
        "ORDER BY digest, trained, number"
    )
    counts: Counter[str] = Counter()
    for _, copies in groupby(rows.fetchall(), key=itemgetter(0)):
        kept, *others = (_Copy(*row[1:]) for row in copies)
        _as_private_as(conn, kept.number, max(other.level for other in others))
        counts += _mark(conn, "duplicate", (other.number for other in others))
    return counts


def _mark_near(conn: sqlite3.Connection, near_groups: NearGroups) -> Counter[str]:
    """Mark what is nearly the same as another text, and what is learned of a held-out one."""
    texts = _LongTexts(conn)
    counts: Counter[str] = Counter()
    for group in near_groups(texts):
        copies = [texts.copy(place) for place in group]
        kept, *others = sorted(copies, key=lambda copy: (copy.trained, copy.number))
        _as_private_as(conn, kept.number, max(other.level for other in others))
        leaks = [other.number for other in others if other.trained > kept.trained]
        counts += _mark(conn, "near-held-out", leaks)
        counts += _mark(conn, "near-duplicate", {o.number for o in others}.difference(leaks))
    return counts


class _LongTexts(Sequence[str]):
    """The texts of the table `long_texts`, each read when it is needed."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._numbers = [row[0] for row in conn.execute("SELECT number FROM long_texts ORDER BY 1")]

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        number = self._numbers[place]
        row = self._conn.execute("SELECT text FROM records WHERE number = ?", (number,)).fetchone()
        return row[0]

    def __iter__(self) -> Iterator[str]:
        rows = self._conn.execute(
            "SELECT r.text FROM long_texts JOIN records r USING (number) ORDER BY number"
        )
        for row in progress(rows, len(self), "Comparing texts", unit="texts"):
            yield row[0]

    def copy(self, place: int) -> _Copy:
        """Return a text's row without its words."""
        row = self._conn.execute(
            "SELECT number, trained, level FROM long_texts WHERE number = ?",
            (self._numbers[place],),
        )
        return _Copy(*row.fetchone())


def _mark(conn: sqlite3.Connection, code: str, numbers: Iterable[int]) -> Counter[str]:
    marked = [(number,) for number in numbers]
    conn.executemany(f"UPDATE records SET left_out = '{code}' WHERE number = ?", marked)
    conn.executemany("DELETE FROM long_texts WHERE number = ?", marked)
    return Counter({code: len(marked)}) if marked else Counter()


def _as_private_as(conn: sqlite3.Connection, number: int, level: int) -> None:
    for table in ("records", "long_texts"):
        conn.execute(f"UPDATE {table} SET level = max(level, ?) WHERE number = ?", (level, number))


def _is_long(text: str) -> bool:
    # Most messages are too short at a glance.
    enough = LONG_MESSAGE_WORDS
    return len(text) > 2 * enough - 2 and len(text.split(None, enough)) >= enough


def _plain(text: str) -> str:
    """Return the text without what tells apart two copies of it: case, blanks, kind of quotes."""
    return " ".join((text if text.isascii() else text.translate(_QUOTES)).casefold().split())


def _digest_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
