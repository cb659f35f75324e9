"""How long a command takes to start: `python -m benchmarks.startup [--json FILE]`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from align.store.adding import add_records
from align.store.connection import connect
from align.store.ids import split_of
from align.store.records import Record
from benchmarks.harness import Row, at_most, median_seconds, run

RECORDS = 100_000


def fill_store(path: Path, records: int) -> None:
    """Write a store of synthetic records, some 400 characters each."""
    text = "A sentence of some length, as people write them, about nothing in particular. " * 5
    with closing(connect(path, create=True)) as conn:
        add_records(
            conn,
            (
                Record.new(
                    kind="turn",
                    source="question-answers",
                    origin=f"chats-{n // 1000}.jsonl",
                    thread=f"thread {n // 10}",
                    position=n % 10,
                    text=f"{n}. {text}",
                    is_owner=n % 2 == 1,
                    level="open",
                    split=split_of(f"thread {n // 10}", 0.1),
                )
                for n in range(records)
            ),
        )


def measure() -> Iterator[Row]:
    """Measure the help pages and `align status` on a large store."""
    scripts = Path(sys.executable).parent
    for name in ("align", "labeler"):
        yield at_most(f"{name} --help", median_seconds([str(scripts / name), "--help"]), 0.3, "s")
    with tempfile.TemporaryDirectory() as root:
        fill_store(Path(root) / "data" / "big" / "twin.db", RECORDS)
        status = [str(scripts / "align"), "status", "--owner", "big"]
        seconds = median_seconds(status, SOUNDALIKE_ROOT=root)
        yield at_most(f"align status, {RECORDS:,} records", seconds, 0.5, "s")


if __name__ == "__main__":
    run("startup", measure, __doc__)
