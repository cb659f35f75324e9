"""What all tests share: no network, one thread, and a project root of their own."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports transformers or torch.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
# pip is another process, whose sockets are not watched; a slow test may give it its index back.
# pytest-xdist's workers inherit what is set here, and would take it for the machine's own.
os.environ.setdefault(
    "TESTS_INDEX_OF_PIP",
    json.dumps({name: os.environ.get(name) for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}),
)
INDEX_OF_PIP: dict[str, str | None] = json.loads(os.environ["TESTS_INDEX_OF_PIP"])
os.environ["PIP_NO_INDEX"] = "1"
os.environ.pop("PIP_FIND_LINKS", None)
os.environ["WANDB_MODE"] = "disabled"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["NO_COLOR"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
# pytest-xdist tells its workers a width, which a terminal program would take for its own.
os.environ.pop("COLUMNS", None)
os.environ.pop("SOUNDALIKE_ROOT", None)
os.environ.pop("SOUNDALIKE_DEBUG", None)

# A shell starts what it runs in the background without Ctrl-C, and that is inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_connect = socket.socket.connect


def _connect_to_loopback(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
        raise OSError(f"a test reached for the network: {address}")
    _connect(self, address)


LOOPBACK = {"127.0.0.1", "::1", "localhost"}
socket.socket.connect = _connect_to_loopback  # type: ignore[method-assign]

# An example may take, and be drawn, as long as a busy machine needs.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project root of this test's own: recipes and shipped data linked from the checkout."""
    root = tmp_path / "root"
    (root / "data" / "demo").mkdir(parents=True)
    (root / "checkpoints").mkdir()
    for shipped in ("recipes", "data/prompts"):
        (root / shipped).symlink_to(CHECKOUT / shipped)
    # By name: a demo that was run here has left its store and rows beside what is shipped.
    for shipped in ("base", "writing", "owner.yaml", "prompts.jsonl", "simulated.json"):
        (root / "data" / "demo" / shipped).symlink_to(CHECKOUT / "data" / "demo" / shipped)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    return root
