"""Run the slow tests: `python -m scripts.slow_tests`.

In two processes side by side, what reads and judges in one and what trains and labels in the other:
one after the other they take longer than anybody waits for.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
BESIDE = (
    "tests/ingest", "tests/judging", "tests/claude", "tests/privacy", "tests/store",
    "tests/question_writing", "tests/e2e/test_judging.py", "tests/e2e/test_judging_canary.py",
    "tests/e2e/test_judging_stopped.py",
)  # fmt: skip
PYTEST = (sys.executable, "-m", "pytest", "-m", "slow and not gpu", "--durations=5")


def main() -> int:
    """Run both and print the one after the other; return an exit code that is 0 if both are."""
    with tempfile.TemporaryFile() as said:
        # Not from a shell: what that starts in the background is deaf to Ctrl-C, which is tested.
        beside = subprocess.Popen(
            [*PYTEST, "-p", "no:cacheprovider", *BESIDE],
            cwd=CHECKOUT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        ignored = [f"--ignore={path}" for path in BESIDE]
        try:
            code = subprocess.run([*PYTEST, *ignored], cwd=CHECKOUT, check=False).returncode
            code_beside = beside.wait()
        finally:
            beside.kill()
        said.seek(0)
        sys.stdout.write(said.read().decode("utf-8", "replace"))
    return code or code_beside


if __name__ == "__main__":
    sys.exit(main())
