"""The one file that travels between an owner's machines: a zip with a manifest of its members.

Nothing in a bundle is believed before its name, size and hash are checked.
"""

import errno
import hashlib
import json
import lzma
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from align.errors import UserError
from align.files import parse_jsonl, sync

FORMAT = 1
MANIFEST = "manifest.json"
KINDS = ("train", "label")
_CHUNK = 1 << 20
_LARGEST_MANIFEST = 16 << 20
# What `zipfile` raises on bytes that are no zip.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    RuntimeError, ValueError,
)  # fmt: skip
# And what the system says where damaged bytes name a place before the file's start. Other errors
# of the system's, such as a full disk where a member is written to, are not the pack's.
_NO_SUCH_PLACE = errno.EINVAL
# The rooms of a bundle; each part of a name begins with a letter, digit or '_': never '..'.
_NAME = re.compile(r"(rows|packed|checkpoints|lineage)(/[A-Za-z0-9_][A-Za-z0-9_.+-]*){1,4}")


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself."""

    kind: str  # `train` or `label`
    owner: str  # whose rows
    schema: int  # of the store that the rows come from
    toolkit: str  # the version that wrote it
    members: Mapping[str, tuple[int, str]]  # name to bytes and SHA-256
    recipe: str = ""  # name of the recipe that goes with a train bundle
    redacted: Mapping[str, int] = field(default_factory=dict)  # spans replaced, by kind


def write_bundle(path: Path, manifest: Manifest, members: Mapping[str, bytes | Path]) -> Manifest:
    """Write a bundle, whole or not at all; its manifest is completed with the members.

    A member is its content, or the file that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as bundle:
                listed = {name: _add(bundle, name, members[name]) for name in sorted(members)}
                manifest = replace(manifest, members=listed)
                with bundle.open(_info(MANIFEST), "w") as target:
                    target.write(_manifest_bytes(manifest))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)
    return manifest


def _info(name: str) -> zipfile.ZipInfo:
    # One date for all: the same content is the same file.
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    weights = name.endswith(".safetensors")
    info.compress_type = zipfile.ZIP_STORED if weights else zipfile.ZIP_DEFLATED
    return info


def _add(bundle: zipfile.ZipFile, name: str, content: bytes | Path) -> tuple[int, str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name in a bundle")
    digest, size = hashlib.sha256(), 0
    with bundle.open(_info(name), "w", force_zip64=True) as target:
        for chunk in _chunks(content):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return size, digest.hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _manifest_bytes(manifest: Manifest) -> bytes:
    values = {
        "format": FORMAT,
        "kind": manifest.kind,
        "owner": manifest.owner,
        "schema": manifest.schema,
        "toolkit": manifest.toolkit,
        "recipe": manifest.recipe,
        "redacted": dict(manifest.redacted),
        "members": {
            name: {"bytes": size, "sha256": digest}
            for name, (size, digest) in manifest.members.items()
        },
    }
    return json.dumps(values, indent=1, sort_keys=True).encode()


class Bundle:
    """An open bundle whose names and sizes are checked; `verify` checks its hashes."""

    def __init__(self, path: Path, opened: zipfile.ZipFile) -> None:
        self.path, self._zip = path, opened
        self.manifest = self._checked_manifest()

    def verify(self) -> None:
        """Check every member's hash; UserError where one is not what the manifest says."""
        for name, (_, expected) in self.manifest.members.items():
            with self.open(name) as member:
                digest = hashlib.file_digest(member, "sha256")  # type: ignore[arg-type]
            if digest.hexdigest() != expected:
                raise _damaged(self.path, f"{name} is not what was packed")

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member for reading."""
        try:
            with self._zip.open(name) as member:
                yield member
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno != _NO_SUCH_PLACE:
                raise
            raise _damaged(self.path, f"{name} cannot be read ({error})") from error

    def read(self, name: str) -> bytes:
        """Return a member's content."""
        with self.open(name) as member:
            return member.read()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a JSONL member."""
        lines = self.read(name).split(b"\n")
        return [row for _, row in parse_jsonl(lines, f"{self.path}:{name}")]

    def extract(self, name: str, target: Path) -> None:
        """Write a member to a file and sync it; the caller renames what is whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.open(name) as member, target.open("wb") as file:
            shutil.copyfileobj(member, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())

    def under(self, folder: str) -> list[str]:
        """Return the names of the members in a folder."""
        return [name for name in self.manifest.members if name.startswith(f"{folder}/")]

    def _checked_manifest(self) -> Manifest:
        infos = {info.filename: info for info in self._zip.infolist()}
        if len(infos) != len(self._zip.infolist()):
            raise _damaged(self.path, "a name is in it twice")
        if MANIFEST not in infos or infos[MANIFEST].file_size > _LARGEST_MANIFEST:
            raise _damaged(self.path, "it has no manifest")
        manifest = self._parse(self.read(MANIFEST))
        if set(infos) - {MANIFEST} != set(manifest.members):
            raise _damaged(self.path, "its members are not those of its manifest")
        for name, (size, _) in manifest.members.items():
            mode = stat.S_IFMT(infos[name].external_attr >> 16)
            if not _NAME.fullmatch(name) or mode not in (0, stat.S_IFREG):
                raise _damaged(self.path, f"{name!r} is no name that a pack may hold")
            if infos[name].file_size != size:
                raise _damaged(self.path, f"{name} has another size than was packed")
        return manifest

    def _parse(self, data: bytes) -> Manifest:
        try:
            values = json.loads(data)
            if values["format"] != FORMAT:
                raise UserError(
                    self.path,
                    f"written by another version of this toolkit (format {values['format']})",
                    "Update both machines: git pull && make setup",
                )
            members = {
                str(name): (int(each["bytes"]), str(each["sha256"]))
                for name, each in values["members"].items()
            }
            texts = {key: str(values[key]) for key in ("kind", "owner", "toolkit", "recipe")}
            schema = int(values["schema"])
            # Packs of before texts were redacted have none.
            redacted = {str(kind): int(n) for kind, n in values.get("redacted", {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _damaged(self.path, "its manifest cannot be read") from error
        if texts["kind"] not in KINDS:
            raise _damaged(self.path, "its manifest names no known kind")
        return Manifest(**texts, schema=schema, members=members, redacted=redacted)


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle; UserError where there is no such file, or one that was tampered with."""
    if not path.is_file():
        raise UserError(path, "no such pack", "Name a file that `align pack` wrote")
    try:
        opened = zipfile.ZipFile(path)
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno != _NO_SUCH_PLACE:
            raise
        raise _damaged(path, f"not a pack, or cut short ({error})") from error
    with opened:
        yield Bundle(path, opened)


def _damaged(path: Path, what: str) -> UserError:
    return UserError(path, what, "Nothing was taken from it; pack and copy it again")
