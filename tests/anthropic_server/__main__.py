"""python -m tests.anthropic_server --port 0: prints the address, runs until its input ends."""

import argparse
import sys

from tests.anthropic_server.faults import IN_BATCHES, random_faults
from tests.anthropic_server.server import serve


def main() -> None:
    """Run the stand-in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--batch-seconds", type=float, default=0.0)
    parser.add_argument("--batch-hits", type=float, default=0.9)
    parser.add_argument("--cache-minimum", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with serve(
        port=given.port,
        latency=given.latency,
        faults=random_faults(given.fault_rate, given.seed),
        entry_faults=random_faults(given.fault_rate, given.seed, IN_BATCHES),
        batch_seconds=given.batch_seconds,
        batch_hits=given.batch_hits,
        cache_minimum=given.cache_minimum,
        keep_bodies=False,
        seed=given.seed,
    ) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
