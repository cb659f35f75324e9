"""Files that are read whole or not at all: written beside, synced and renamed."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from align.errors import UserError


def write_atomically(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a power cut, meets the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode("utf-8") if isinstance(data, str) else data
    number, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def exclusively(
    path: Path,
    where: object,
    what: str,
    remedy: str = "Wait for it, or stop it: it can go on later",
) -> Iterator[None]:
    """Hold a file that one process at a time may hold; it is free once that is gone, however.

    The file is made and left there. Whoever comes second gets a UserError of `where`, `what` and
    the holder's process, as it stands in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            said = what + (f" (process {holder})" if holder else "")
            raise UserError(where, said, remedy) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def in_turn(path: Path, waiting: Callable[[], object]) -> Iterator[int]:
    """Hold a file as `exclusively` does, but wait for it; yield its descriptor.

    A child that is given the descriptor holds the file too: whoever comes next waits for what a
    killed process left running.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def free_disk(folder: Path) -> int:
    """Return the free bytes where a folder lies, or would lie."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def link_atomically(link: Path, target: Path) -> None:
    """Point a link at what lies beside or under its folder, with the old target or the new."""
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target.relative_to(link.parent))
    os.replace(beside, link)
    sync(link.parent)


def sync(path: Path) -> None:
    """Make a file, or the renames in a folder, survive a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number, counted from 1, and its object; blank lines are passed over.

    Raises:
        UserError: A line is no JSON object, or the file is no UTF-8 text; names file and line.
    """
    with path.open("rb") as file:
        yield from parse_jsonl(file, str(path))


def parse_jsonl(lines: Iterable[bytes | str], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield as `read_jsonl` does, from lines that were read already; `where` names them."""
    for number, line in enumerate(lines, 1):
        place = f"{where}:{number}"
        try:
            text = line if isinstance(line, str) else line.decode("utf-8-sig")
            if not text.strip():
                continue
            row = json.loads(text)
        except UnicodeDecodeError:
            raise UserError(place, "not UTF-8 text", "Save the file as UTF-8") from None
        except json.JSONDecodeError as error:
            raise UserError(
                place, f"not JSON ({error.msg}, column {error.colno})", "Mend or remove that line"
            ) from None
        except RecursionError:
            raise UserError(place, "nested too deeply", "Mend or remove that line") from None
        if not isinstance(row, dict):
            raise UserError(place, "not a JSON object", "Each line is one {...}")
        yield number, row


def jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as JSON lines; the same rows give the same bytes."""
    # ASCII only: a lone surrogate or a line separator inside a text can break no line.
    return b"".join(json.dumps(row, sort_keys=True).encode() + b"\n" for row in rows)


def write_jsonl_atomically(
    path: Path, rows: Iterable[Mapping[str, Any]], *, mode: int = 0o644
) -> None:
    """Write rows as JSON lines, whole or not at all."""
    write_atomically(path, jsonl(rows), mode=mode)
