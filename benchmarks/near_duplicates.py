"""How fast copies are found: `python -m benchmarks.near_duplicates [--json FILE]`."""

import itertools
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from align.store.connection import connect, transaction
from align.store.duplicates import mark_duplicates
from align.store.ids import split_of
from align.text.near_duplicates import near_duplicate_groups
from benchmarks.harness import Row, at_most, run

TEXTS = 200_000
RECORDS = 1_000_000
_CONVERSATION = 25


def _vocabulary(chance: random.Random) -> tuple[list[str], list[float]]:
    """Return words, and their frequencies summed up: few are frequent, as in any language."""
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(1, 9))) for _ in range(30_000)]
    return words, list(itertools.accumulate(1 / (rank + 5) for rank in range(len(words))))


def texts(count: int) -> list[str]:
    """Return texts of 10 to 200 words, a tenth of them near copies of one before."""
    chance = random.Random(1)
    words, frequencies = _vocabulary(chance)
    made: list[str] = []
    for _ in range(count):
        if made and chance.random() < 0.1:
            said = chance.choice(made[-5000:]).split()
            for _ in range(max(1, len(said) // 25)):
                said[chance.randrange(len(said))] = chance.choice(words)
        else:
            said = chance.choices(words, cum_weights=frequencies, k=chance.randint(10, 200))
        made.append(" ".join(said))
    return made


def fill_store(path: Path, count: int) -> None:
    """Write a store of short chat messages, of which a fifth are the owner's long ones."""
    chance = random.Random(2)
    words, frequencies = _vocabulary(chance)
    with closing(connect(path, create=True)) as conn, transaction(conn):
        for n in range(count):
            thread = f"telegram/{n // _CONVERSATION}"
            is_long = chance.random() < 0.2
            length = chance.randint(8, 25) if is_long else chance.randint(1, 7)
            text = " ".join(chance.choices(words, cum_weights=frequencies, k=length))
            conn.execute(
                "INSERT OR IGNORE INTO threads VALUES (?, ?)", (thread, split_of(thread, 0.1))
            )
            conn.execute(
                "INSERT INTO records (id, kind, source, origin, thread, position, author, is_owner,"
                " text, level) VALUES (?, 'turn', 'telegram', 'telegram/1', ?, ?, '', ?, ?, 1)",
                (f"{n:016x}", thread, n, is_long or n % 2, text),
            )


def measure() -> Iterator[Row]:
    """Measure near-duplicates over texts in memory, and all copies in a large store."""
    made = texts(TEXTS)
    # So that what the libraries themselves take is not counted as the texts'.
    near_duplicate_groups(made[:10], 0.8)
    before = _peak()
    started = time.perf_counter()
    near_duplicate_groups(made, 0.8)
    seconds = time.perf_counter() - started
    yield at_most(f"near-duplicates, {TEXTS:,} texts of 10 to 200 words", seconds, 30, "s")
    yield at_most("memory on top of the texts", _peak() - before, 300, "MB")
    del made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "twin.db"
        fill_store(path, RECORDS)
        with closing(connect(path)) as conn:
            started = time.perf_counter()
            with transaction(conn):
                mark_duplicates(conn, partial(near_duplicate_groups, threshold=0.8))
            seconds = time.perf_counter() - started
    yield at_most(f"copies in a store of {RECORDS:,} messages", seconds, 10, "s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    run("near_duplicates", measure, __doc__)
