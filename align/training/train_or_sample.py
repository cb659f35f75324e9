"""`align dpo --or-sample`: train on the choices and compare; without any, make pairs to label.

Each further step is an `align` command of its own, printed so that it can be pasted.
"""

import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing

from align.console import say
from align.paths import store_path
from align.store.choices import decisive_pairs
from align.store.connection import open_store
from align.training.launch_training import launch
from align.training.stopping import signals_to
from align.training.training_request import TrainingRequest

_LABEL = """
No choices of {owner_id} yet, so there is nothing to train on. Label, then come back:
    make label OWNER={owner_id}        \
(here, or on your laptop after: make unpack OWNER={owner_id} FROM=the-pack)
    make dpo OWNER={owner_id}"""


def train_or_sample(request: TrainingRequest, accelerate: str | None = None) -> int:
    """Walk on from where an owner's choices are, up to the first step that fails.

    Return its exit code, or 0. `accelerate` is as `launch` takes it.
    """
    owner = ["--owner", request.owner_id]
    spread = ["--accelerate", accelerate] if accelerate else []
    if _has_choices(request.owner_id):
        _print([*request.words, *spread])
        return launch(request, accelerate) or _run(["evaluate", *owner])
    code = _run(["sample", *owner, *spread]) or _run(["pack", *owner, "--for", "label"])
    if not code:
        say(_LABEL.format(owner_id=request.owner_id))
    return code


def _has_choices(owner_id: str) -> bool:
    """Return whether a choice with a winner stands, on which one can train."""
    if not store_path(owner_id).is_file():
        return False
    with closing(open_store(owner_id)) as conn:
        return bool(decisive_pairs(conn))


def _print(words: Sequence[str]) -> None:
    say(f".venv/bin/align {shlex.join(words)}")


def _run(words: Sequence[str]) -> int:
    """Run an `align` command as a shell script would, and return its exit code."""
    _print(words)
    line = [sys.executable, "-m", "align.cli", *words]
    # A terminal sends Ctrl-C to the child as well, which says how it ends.
    with subprocess.Popen(line) as child, signals_to(lambda *_: None, signal.SIGINT):
        code = child.wait()
    return code if code >= 0 else 128 - code
