"""What belongs to an owner on this machine, and how it goes."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from align.paths import checkpoints_dir, owner_dir

# What is made here of the owner's writing. All names, not a pattern: nothing else may go.
_MADE = ("twin.db-wal", "twin.db-shm", "twin.db", "backups", "packed", "rows", "fetched",
         "egress.jsonl", "judge-dry-run.jsonl", "judge-dry-run.txt", "questions-dry-run.txt",
         ".judge.lock")  # fmt: skip
_WRITING = ("writing", "owner.yaml", "prompts.jsonl", "simulated.json")


def what_to_erase(owner_id: str, *, writing: bool = False) -> list[Path]:
    """Return the files and folders of an owner's that are there; with `writing` the sources too.

    The shipped demo's own files are never among them.
    """
    folder = owner_dir(owner_id)
    names = [*_MADE, *(_WRITING if writing and owner_id != "demo" else ())]
    paths = [folder / name for name in names]
    for pattern in ("*.pack", ".*.pack.*", ".twin.db.*", "scorecard.*", "egress.open.*.jsonl"):
        paths += sorted(folder.glob(pattern))
    paths.append(checkpoints_dir(owner_id))
    return [path for path in paths if path.exists() or path.is_symlink()]


def erase(paths: Iterable[Path]) -> Iterator[Path]:
    """Erase the paths, yielding each once it is gone; links go, not what they lead to."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        yield path
        folder = path.parent
        # An owner of whom nothing is left has no folder either.
        if folder.parent.name == "data" and not any(folder.iterdir()):
            folder.rmdir()
