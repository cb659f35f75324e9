"""Checkpoints: immutable numbered folders, the words that name them, and their publication.

`checkpoints/<owner>/001-sft/`, `002-dpo/`, …; `sft` and `dpo` beside them are links to the newest.
Wherever a command takes a checkpoint it takes `base`, `sft`, `dpo`, `002-dpo`, or a path.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.console import make_command
from align.errors import UserError
from align.files import link_atomically, sync
from align.models import lineage as lineages
from align.models.base import Base, find_base, resolve_base
from align.models.lineage import Lineage
from align.paths import checkpoints_dir, project_root, relative_to_root

STAGES = ("sft", "dpo")
_NUMBERED = re.compile(r"(\d{3,})-(sft|dpo)")
WORK = ".work"


@dataclass(frozen=True)
class Checkpoint:
    """A twin, or the base it grew from."""

    name: str  # `base`, `001-sft`, …, or the folder's name
    path: Path | None  # the folder with weights, tokenizer and twin.json; None for `base`
    hash: str  # identity of what it was made from (a lineage's hash, or the base's)
    # The base as it lies on this machine now; of a full twin, which can do without it, as it was
    # recorded where it is gone.
    base: Base
    lineage: Lineage | None = None  # what twin.json says; None for `base`
    # Of `base`, the twin that says what it is, and whose chat template it answers in where it has
    # none of its own.
    grew_into: Path | None = None

    @property
    def sampling(self) -> dict[str, Any]:
        """Return the sampling settings that the recipe gave (empty for `base`)."""
        return dict(self.lineage.sampling) if self.lineage else {}


def resolve(
    owner_id: str, word: str | None, *, recipe: Any = None, download: bool = True
) -> Checkpoint:
    """Return the checkpoint that a word names, with its base found and its lineage checked.

    The word is `base`, `sft`, `dpo`, `002-dpo`, or a path; None is the newest. What `base` is says
    the `Recipe`, else the newest twin. With `download` a base that is not here is got from where it
    came. UserError: there is no such checkpoint, or its base changed or can't be found.
    """
    if word is None:
        last = newest(owner_id)
        word = last.name if last else "sft"
    if word == "base":
        return _base_checkpoint(owner_id, recipe, download)
    return load(folder_of(owner_id, word), download=download)


def folder_of(owner_id: str, word: str) -> Path:
    """Return the folder of the twin that a word names; UserError where there is none."""
    folder = checkpoints_dir(owner_id) / word
    if word in STAGES or _NUMBERED.fullmatch(word):
        if not folder.is_dir():
            stage = word if word in STAGES else word.split("-")[1]
            known = ", ".join(["base", *(path.name for path in numbered(owner_id))])
            raise UserError(
                relative_to_root(folder),
                f"{owner_id} has no checkpoint '{word}' (there: {known})",
                f"Run: {make_command(stage, owner_id)}",
            )
    else:
        folder = Path(word).expanduser()
        if not folder.is_absolute() and not folder.is_dir():
            folder = project_root() / folder
        if not (folder / lineages.FILE).is_file():
            raise UserError(
                word,
                f"neither a checkpoint nor a folder with {lineages.FILE}",
                "Say base, sft, dpo, a name like 002-dpo, or a path",
            )
    return folder


def load(folder: Path, *, download: bool = False) -> Checkpoint:
    """Return the checkpoint in a folder, its lineage checked against the files and the base."""
    folder = folder.resolve()
    lineage = lineages.read(folder)
    base = _base_of(lineage, folder, download)
    lineages.check_weights(folder, lineage)
    return Checkpoint(folder.name, folder, lineage.hash, base, lineage)


def newest(owner_id: str, stage: str | None = None) -> Path | None:
    """Return the folder of the owner's newest checkpoint (of a stage), or None."""
    ending = f"-{stage}" if stage else ""
    return next((path for path in numbered(owner_id)[::-1] if path.name.endswith(ending)), None)


def numbered(owner_id: str) -> list[Path]:
    """Return the owner's checkpoint folders, oldest first."""
    folder = checkpoints_dir(owner_id)
    if not folder.is_dir():
        return []
    paths = (path for path in folder.iterdir() if _NUMBERED.fullmatch(path.name) and path.is_dir())
    return sorted(paths, key=_number)


def next_number(owner_id: str) -> int:
    """Return the number of the checkpoint that is published next."""
    return max(map(_number, numbered(owner_id)), default=0) + 1


def claim_next(owner_id: str, stage: str, inputs: str) -> Path:
    """Return the work folder of a run, kept until it is published.

    `inputs` is the digest of all that decides the run's result; another digest is another folder.
    """
    folder = checkpoints_dir(owner_id) / WORK / f"{stage}-{inputs[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def publish(staging: Path, owner_id: str, stage: str) -> Path:
    """Give a finished folder the next number, and swap the stage's link to it.

    The folder must lie on the same file system; nothing half-written ever has a number.
    """
    for path in staging.rglob("*"):
        if path.is_file():
            sync(path)
    parent = checkpoints_dir(owner_id)
    while True:
        target = parent / f"{next_number(owner_id):03d}-{stage}"
        try:
            staging.rename(target)
            break
        except OSError:
            if not target.exists():
                raise
    sync(parent)
    link_newest(owner_id, stage)
    return target


def link_newest(owner_id: str, stage: str) -> None:
    """Point `checkpoints/<owner>/<stage>` at the newest checkpoint of the stage, atomically."""
    target = newest(owner_id, stage)
    if target is not None:
        link_atomically(target.parent / stage, target)


def clear_work(owner_id: str, stage: str) -> None:
    """Remove the work folders of a stage."""
    for folder in (checkpoints_dir(owner_id) / WORK).glob(f"{stage}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _number(folder: Path) -> int:
    return int(folder.name.split("-")[0])


def _base_of(lineage: Lineage, folder: Path, download: bool) -> Base:
    is_full = lineage.kind == lineages.FULL
    try:
        download = download and not is_full
        return find_base(lineage.base, where=relative_to_root(folder), download=download)
    except UserError:
        if not is_full:
            raise
        return Base(**{**lineage.base, "path": project_root() / lineage.base["path"]})


def _base_checkpoint(owner_id: str, recipe: Any, download: bool) -> Checkpoint:
    if recipe is not None:
        name, revision = recipe.base_name, recipe.base_revision
        where = relative_to_root(recipe.path)
        base = resolve_base(name, revision, where=where, download=download)
        return Checkpoint("base", None, base.hash, base)
    model = newest(owner_id, "sft") or newest(owner_id)
    if model is None:
        raise UserError(
            relative_to_root(checkpoints_dir(owner_id)),
            "no twin says yet what the base is",
            f"Run: {make_command('sft', owner_id)}",
        )
    where = relative_to_root(model)
    base = find_base(lineages.read(model).base, where=where, download=download)
    return Checkpoint("base", None, base.hash, base, grew_into=model)
