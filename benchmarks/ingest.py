"""How long a large chat takes to come in: `python -m benchmarks.ingest [--json FILE]`.

A Telegram chat of a million messages, written here, read by `align ingest` as a user calls it.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from os import environ
from pathlib import Path

import psutil

from benchmarks.harness import Row, at_most, reported, run

MESSAGES = 1_000_000
SECONDS, PEAK_MB = 60, 600
# Seconds between two messages: bursts, answers, evenings, nights.
_PAUSES = (4, 7, 12, 25, 60, 90, 300, 1200, 20_000)
_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fe",
    "gu",
    "ha",
    "jo",
    "ki",
    "la",
    "me",
    "no",
    "pi",
    "ra",
    "so",
    "tu",
)


def write_chat(path: Path, messages: int, seed: int = 0) -> None:
    """Write a chat of two people as Telegram Desktop exports it, some 350 bytes a message."""
    chance = random.Random(seed)
    words = sorted(
        {"".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(6000)}
    )
    moment = 1_500_000_000
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n "name": "Bob",\n "type": "personal_chat",\n "id": 4242,\n "messages": [\n')
        for number in range(1, messages + 1):
            moment += chance.choice(_PAUSES)
            mine = chance.random() < 0.5
            text = " ".join(chance.choices(words, k=min(60, int(chance.expovariate(0.155)) + 1)))
            message = {
                "id": number,
                "type": "message",
                "date": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "date_unixtime": str(moment),
                "from": "Ann" if mine else "Bob",
                "from_id": "user1" if mine else "user2",
                "text": text,
                "text_entities": [{"type": "plain", "text": text}],
            }
            if number % 20 == 0:
                message["reply_to_message_id"] = number - 3
            written = json.dumps(message, ensure_ascii=False, indent=1).replace("\n", "\n  ")
            file.write(f"  {written}{',' if number < messages else ''}\n")
        file.write(" ]\n}\n")


def ingested(root: Path, source: Path) -> tuple[float, float]:
    """Run `align ingest` and return its seconds, and the peak memory of its processes in MB."""
    command = [
        str(Path(sys.executable).parent / "align"), "ingest", str(source), "--owner", "ann",
        "--me", "Ann",
    ]  # fmt: skip
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environ | {"SOUNDALIKE_ROOT": str(root)}, stdout=sys.stderr
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.25)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - started, peak


def _memory(pid: int) -> float:
    """Return the MB that a process and its children take together, shared pages counted once."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(one.memory_full_info().pss for one in family)) / 1e6
    return 0.0


def measure() -> Iterator[Row]:
    """Read the chat twice: everything is new, then everything is known."""
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        root, source = Path(folder, "root"), Path(folder, "result.json")
        root.mkdir()
        write_chat(source, MESSAGES)
        yield reported("size of the export", source.stat().st_size / 1e6, "MB")
        seconds, peak = ingested(root, source)
        yield at_most(f"{MESSAGES:,} messages, all new", seconds, SECONDS, "s")
        yield at_most("peak memory", peak, PEAK_MB, "MB")
        seconds, peak = ingested(root, source)
        yield reported("the same export again", seconds, "s")
        yield reported("peak memory", peak, "MB")


if __name__ == "__main__":
    run("ingest", measure, __doc__)
