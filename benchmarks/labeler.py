"""How fast the labeler is in a real terminal: `python -m benchmarks.labeler [--json FILE]`.

Keys go through a pseudo-terminal of 120 x 40 to the installed `labeler`, on a store of 100,000
pairs. A key's time runs from its byte to the last byte of the frame that follows, its commit,
synced to the disk, included. The least app that does as much (`benchmarks/two_panes.py`) is
measured in turns with it: what is held is how much more the labeler needs, since the same code
takes twice as long on another machine of the same kind.
"""

import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from align.store.answers import Answer, add_answers
from align.store.connection import connect
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts
from benchmarks.harness import Row, at_most, reported, run
from benchmarks.terminal import Terminal

STORE = Path("data") / "big" / "twin.db"
PAIRS = 100_000
KEYS = 1_000
APART = 0.1
TURNS = 4
ANSWER_KEYS = (b"a", b"b", b"=", b"n")
SENTENCES = (
    "Well, if you ask me, the rain can keep its opinions to itself until Thursday at least.",
    "I put the kettle on and waited, which is most of what I know about patience.",
    "There are several things one might consider here, and none of them is urgent.",
    "My neighbour swears by it; my neighbour also swears at it, so take that as you like.",
)


def fill_store(path: Path, pairs: int) -> None:
    """Write a store of synthetic pairs, two to a prompt, answers of 40 to 60 words."""
    with closing(connect(path, create=True)) as conn:
        prompts, answers, made = [], [], []
        for n in range(0, pairs, 2):
            prompt = Prompt.new(
                [{"role": "user", "content": f"What do you make of case {n}?"}],
                source="added",
                thread=f"thread {n}",
                split="train",
            )
            prompts.append(prompt)
            for pair in (n, n + 1):
                first, second = (
                    Answer(
                        prompt_id=prompt.id,
                        text=f"Case {pair}. " + " ".join(SENTENCES[k:] + SENTENCES[: k + 1]),
                        checkpoint="001-sft",
                        checkpoint_hash="0" * 64,
                        settings={"temperature": 1.0},
                        seed=pair,
                        n=k,
                    )
                    for k in range(2)
                )
                answers += [first, second]
                made.append(
                    Pair(
                        prompt_id=prompt.id,
                        answer_a=first.id,
                        answer_b=second.id,
                        similarity=0.3,
                    )
                )
        add_prompts(conn, prompts)
        add_answers(conn, answers)
        add_pairs(conn, made)


def least(root: Path) -> list[str]:
    """Return the command that opens the least app on a copy of the store, in a terminal."""
    copy = root / "least.db"
    if not copy.exists():
        shutil.copy(root / STORE, copy)
    return [sys.executable, "-m", "benchmarks.two_panes", str(copy)]


def labeler(root: Path) -> list[str]:
    """Return the command that opens the store, in a terminal."""
    program = str(Path(sys.executable).parent / "labeler")
    return [program, "--owner", "big", "--root", str(root), "--too-soon", "0"]


def first_paints(commands: Sequence[list[str]], repeats: int = 9) -> list[float]:
    """Return the median seconds from each command to the first pair on the screen, in turns.

    One start before goes uncounted: it writes the bytecode and warms the disk's cache.
    """
    seconds: list[list[float]] = [[] for _ in commands]
    for _ in range(repeats + 1):
        for command, taken in zip(commands, seconds, strict=True):
            terminal = Terminal(command)
            taken.append(terminal.until(b"make of case"))
            terminal.settle()
            terminal.close()
    return [statistics.median(taken[1:]) for taken in seconds]


def key_times(command: list[str], keys: int, apart: float) -> tuple[list[float], float | None]:
    """Return the seconds of each of so many keys, and the resident megabytes after them."""
    terminal = Terminal(command)
    terminal.until(b"make of case")
    terminal.settle()
    times = []
    for key in itertools.islice(itertools.cycle(ANSWER_KEYS), keys):
        started = time.perf_counter()
        taken = terminal.press(key)
        if taken is None:
            raise RuntimeError("a key brought no frame")
        times.append(taken)
        time.sleep(max(0.0, apart - (time.perf_counter() - started)))
    megabytes = terminal.resident_megabytes()
    terminal.close(b"q")
    return times, megabytes


def import_seconds(modules: str, repeats: int = 9) -> float:
    """Return the median seconds that importing some modules takes."""
    code = (
        f"import time; started = time.perf_counter(); import {modules}; "
        "print(time.perf_counter() - started)"
    )
    command = [sys.executable, "-c", code]
    seconds = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeats + 1)
    ]
    return statistics.median(seconds[1:])


def percentile(values: list[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure() -> Iterator[Row]:
    """Measure first paint, keys, memory and imports, beside the least app."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill_store(root / STORE, PAIRS)
        commands = labeler(root), least(root)
        ours, theirs = first_paints(commands)
        yield reported(f"first pair painted, {PAIRS:,} pairs", ours * 1000, "ms")
        yield at_most("first pair painted, against the least app", ours / theirs, 1.6, "x")
        times: list[list[float]] = [[], []]
        memory: float | None = None
        for _ in range(TURNS):
            for command, taken in zip(commands, times, strict=True):
                more, megabytes = key_times(command, KEYS // TURNS, APART)
                taken += more
                memory = megabytes if command is commands[0] else memory
        spaced = f"{KEYS:,} keys {APART * 1000:.0f} ms apart"
        for name, share in (("median", 0.5), ("p99", 0.99)):
            mine, other = (percentile(taken, share) for taken in times)
            yield reported(f"key to frame, {name}, {spaced}", mine * 1000, "ms")
            yield at_most(f"key to frame, {name}, against the least app", mine / other, 1.2, "x")
        if memory is not None:
            yield at_most("resident memory after them", memory, 47, "MB")
    ours = import_seconds("labeler.cli, labeler.pair_sources, labeler.run, labeler.app")
    theirs = import_seconds("benchmarks.two_panes")
    yield reported("imports of labeler and its screen", ours * 1000, "ms")
    yield at_most("imports, against the least app", ours / theirs, 1.3, "x")


if __name__ == "__main__":
    run("labeler", measure, __doc__)
