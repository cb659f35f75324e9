"""How fast the labeler is in a real terminal: `python -m benchmarks.labeler [--json FILE]`.

Keys go through a pseudo-terminal of 120 x 40 to the installed `labeler`, on a store of 100,000
pairs. A key's time runs from its byte to the last byte of the frame that follows, its commit,
synced to the disk, included.
"""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


def labeler(root: Path) -> list[str]:
    """Return the command that opens the store, in a terminal."""
    program = str(Path(sys.executable).parent / "labeler")
    return [program, "--owner", "big", "--root", str(root), "--too-soon", "0"]


def first_paint(root: Path, repeats: int = 9) -> float:
    """Return the median seconds from the command to the first pair on the screen.

    One start before goes uncounted: it writes the bytecode and warms the disk's cache.
    """
    seconds = []
    for _ in range(repeats + 1):
        terminal = Terminal(labeler(root))
        seconds.append(terminal.until(b"make of case"))
        terminal.settle()
        terminal.close()
    return statistics.median(seconds[1:])


def key_times(root: Path, keys: int, apart: float) -> tuple[list[float], float | None]:
    """Return the seconds of each of so many keys, and the resident megabytes after them."""
    terminal = Terminal(labeler(root))
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


def import_seconds(repeats: int = 9) -> float:
    """Return the median seconds that importing the labeler with its screen takes."""
    code = (
        "import time; started = time.perf_counter(); "
        "import labeler.cli, labeler.pair_sources, labeler.run, labeler.app; "
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
    """Measure the first paint, the keys, memory and imports."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill_store(root / STORE, PAIRS)
        yield at_most(f"first pair painted, {PAIRS:,} pairs", first_paint(root) * 1000, 400, "ms")
        times, megabytes = key_times(root, KEYS, APART)
        spaced = f"{KEYS:,} keys {APART * 1000:.0f} ms apart"
        yield at_most(f"key to frame, median, {spaced}", statistics.median(times) * 1000, 8, "ms")
        yield at_most(f"key to frame, p99, {spaced}", percentile(times, 0.99) * 1000, 16, "ms")
        yield reported(f"key to frame, longest, {spaced}", max(times) * 1000, "ms")
        if megabytes is not None:
            yield at_most("resident memory after them", megabytes, 90, "MB")
    yield at_most("imports of labeler and its screen", import_seconds() * 1000, 250, "ms")


if __name__ == "__main__":
    run("labeler", measure, __doc__)
