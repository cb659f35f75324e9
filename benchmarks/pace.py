"""How long the demo's road takes: `python -m benchmarks.pace [--json FILE]`.

One road alone on the machine, every stretch a whole process with its imports.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, at_most, run
from benchmarks.road import drive, make_root

# Seconds on two idle cores, set-up not counted.
SECONDS = {"sft": 30, "sample": 30, "dpo": 40, "evaluate": 45}
ROAD_SECONDS = 180
PEAK_GB = 3


def measure() -> Iterator[Row]:
    """Drive the demo's road once."""
    with tempfile.TemporaryDirectory(prefix="road-") as root:
        make_root(Path(root))
        road = drive(Path(root), "demo", seed=0)
    for stretch, limit in SECONDS.items():
        yield at_most(f"align {stretch}", road.seconds[stretch], limit, "s")
    whole = sum(road.seconds.values())
    yield at_most("the demo's road, all its commands", whole, ROAD_SECONDS, "s")
    yield at_most("peak memory of its largest process", road.peak_gb, PEAK_GB, "GB")


if __name__ == "__main__":
    run("pace", measure, __doc__)
