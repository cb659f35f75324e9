"""The stand-in in a process of its own, for figures that are not to include its work."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Apart:
    """A stand-in in another process."""

    url: str  # what a client takes for its base_url
    pid: int  # the process

    def totals(self) -> dict[str, Any]:
        """Return what `Server.totals` does."""
        with urllib.request.urlopen(f"{self.url}/stand-in", timeout=10) as reply:
            totals: dict[str, Any] = json.load(reply)
        return totals


@contextlib.contextmanager
def serve_apart(**flags: float | int | None) -> Iterator[Apart]:
    """Run a stand-in in a process of its own; `latency=0.05` becomes `--latency 0.05`."""
    command = [sys.executable, "-m", "tests.anthropic_server"]
    for name, value in flags.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Apart(process.stdout.readline().strip(), process.pid)
    finally:
        # It ends when nobody holds its input any more, so that none is left behind.
        process.communicate(timeout=10)
