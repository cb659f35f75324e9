"""The files under a path that the user named: a folder, a zip as it was delivered, or one file.

Nothing is unpacked to disk. Names that climb out of a zip, links in it and bombs are refused with a
note, and the rest is read.
"""

import io
import os
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, cast

from align.errors import UserError
from align.ingest.decoding import decoded, decoded_lines
from align.ingest.progress_line import CountedFile
from align.paths import project_root

# What one file may come to in memory, when it is read whole.
WHOLE = 256 * 1024**2
# A zip's member that is packed this tightly, and this large unpacked, is a bomb.
BOMB_RATIO, BOMB_BYTES = 400, 100 * 1024**2
MEMBERS = 500_000
# Longer lines are no message of anybody's.
LINE = 1024**2
_HEAD = 64 * 1024
# What a download or a paste may leave around a name: line breaks, marks of order.
_AROUND = "\t\r\n\ufeff\u200b\u200e\u200f"
_BUFFER = 256 * 1024

Complain = Callable[[object, str, str], None]


class Tree(ABC):
    """Files by name: relative, with `/`, sorted."""

    label: str
    names: tuple[str, ...]
    # Is told of the bytes that are read, for a progress line.
    meter: Callable[[int], None] | None = None

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading from its beginning; raises UserError where it cannot be."""
        file = self._open(name)
        if self.meter is None:
            return file
        return cast(IO[bytes], io.BufferedReader(CountedFile(file, self.meter), _BUFFER))

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading; damage becomes a UserError."""
        with self.open(name) as file:
            try:
                yield file
            except UserError:
                raise
            except Exception as error:  # zlib.error and zipfile.BadZipFile share no other base.
                raise UserError(self.place(name), f"damaged ({error})", "Get it again") from None

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]: ...

    @abstractmethod
    def size(self, name: str) -> int:
        """Return a file's bytes, unpacked."""

    @abstractmethod
    def place(self, name: str) -> str:
        """Return where a file is, as messages show it."""

    @abstractmethod
    def origin_of(self, name: str) -> str:
        """Return a file's name in the store."""

    def head(self, name: str, size: int = _HEAD) -> bytes:
        """Return the first bytes of a file; nothing where it cannot be read."""
        with suppress(Exception), self.open(name) as file:  # As above.
            return file.read(size)
        return b""

    def head_text(self, name: str, size: int = _HEAD) -> str:
        """Return the first characters of a text; nothing where it is none."""
        data = self.head(name, size)
        # The cut may lie inside a character.
        ends = range(len(data), max(len(data) - 4, 0) - 1, -1)
        texts = (decoded(data[:end]) for end in ends)
        return next((text for text in texts if text is not None), "")

    def bytes_of(self, name: str, most: int = WHOLE) -> bytes:
        """Return a file's bytes; UserError where it is larger than `most`, or damaged."""
        data = b""
        if self.size(name) <= most:
            with self.reading(name) as file:
                data = file.read(most + 1)
        if len(data) > most or self.size(name) > most:
            raise UserError(self.place(name), f"larger than {most // 1024**2} MB", "Split it")
        return data

    def text_of(self, name: str, most: int = WHOLE) -> str:
        """Return a file's text; UserError where it is binary, larger than `most`, or damaged."""
        text = decoded(self.bytes_of(name, most))
        if text is None:
            raise UserError(self.place(name), "binary, not text", "Name a text file")
        return text

    def lines_of(self, name: str) -> Iterator[str]:
        """Yield a text's lines, read as they come, long ones cut; UserError: binary, or damaged."""
        head = self.head(name)
        if head and decoded(head) is None and not self.head_text(name):
            raise UserError(self.place(name), "binary, not text", "Name a text file")
        with self.reading(name) as file:
            yield from decoded_lines(file, head, LINE)


class DiskTree(Tree):
    """A folder, or a file of it, without what is hidden; UserError where it cannot be listed."""

    def __init__(self, path: Path) -> None:
        self.label = str(path)
        self.folder = path if path.is_dir() else path.parent
        self.names = tuple(sorted(_visible(path))) if path.is_dir() else (path.name,)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return (self.folder / name).open("rb")
        except OSError as error:
            raise _unreadable(error) from None

    def size(self, name: str) -> int:  # noqa: D102
        try:
            return (self.folder / name).stat().st_size
        except OSError as error:
            raise _unreadable(error) from None

    def place(self, name: str) -> str:  # noqa: D102
        return str(self.folder / name)

    def origin_of(self, name: str) -> str:  # noqa: D102
        return origin_of(self.folder / name)


class ZipTree(Tree):
    """A zip, read in place.

    Its bytes are a path, or an open file for a zip that lies in another tree; `label` is its name
    for messages, `origin` the one in the store; `complain` is told of members that are refused.
    UserError: it is no zip, or is damaged beyond reading its list of members.
    """

    def __init__(self, file: Path | IO[bytes], label: str, origin: str, complain: Complain) -> None:
        self.label = label
        self._origin = origin
        try:
            self._zip = zipfile.ZipFile(file)
            members = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            what = f"not a zip, or damaged ({error})"
            raise UserError(label, what, "Download it again") from None
        if len(members) > MEMBERS:
            raise UserError(label, f"more than {MEMBERS:,} files in it", "Unpack it yourself")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            # Programs on Windows part folders with `\\`.
            member.filename = name = member.filename.replace("\\", "/").strip(_AROUND)
            if name and not member.is_dir() and _wanted(member, label, complain):
                self._members[name] = member
        self.names = tuple(sorted(self._members))

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._members[name])
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as why:
            raise UserError(self.place(name), f"damaged ({why})", "Download it again") from None

    def size(self, name: str) -> int:  # noqa: D102
        return self._members[name].file_size

    def place(self, name: str) -> str:  # noqa: D102
        return f"{self.label}/{name}"

    def origin_of(self, name: str) -> str:  # noqa: D102
        return f"{self._origin}/{name}"


def tree_of(path: Path, complain: Complain) -> Tree:
    """Return the files under a path; UserError where there is none, or it cannot be read."""
    path = path.expanduser()
    path = path if path.exists() else Path(str(path).strip(_AROUND)).expanduser()
    if not path.is_dir() and not path.is_file():
        what = "not a file or folder" if path.exists() else "no such file or folder"
        raise UserError(path, what, "Name a folder or file of yours")
    if suffix_of(path.name) == ".zip" and path.is_file():
        return ZipTree(path, str(path), origin_of(path), complain)
    return DiskTree(path)


def zip_in(tree: Tree, name: str, complain: Complain) -> Tree:
    """Return the files of a zip in another tree; UserError where it is none, or too large."""
    file = tree.folder / name if isinstance(tree, DiskTree) else io.BytesIO(tree.bytes_of(name))
    return ZipTree(file, tree.place(name), tree.origin_of(name), complain)


def origin_of(path: Path) -> str:
    """Return a file's name in the store: the same on machines that keep it in the same place.

    From the project's root where it lies inside, from `~` where it lies in the user's home.
    """
    absolute = Path(os.path.abspath(path))
    for seen in (absolute, absolute.resolve()):
        for folder, prefix in ((project_root(), ""), (Path.home(), "~/")):
            for base in (folder, folder.resolve()):
                if seen.is_relative_to(base) and base != Path(base.anchor):
                    return prefix + seen.relative_to(base).as_posix()
    return absolute.as_posix()


def _wanted(member: zipfile.ZipInfo, label: str, complain: Complain) -> bool:
    name = member.filename
    parts = PurePosixPath(name).parts
    is_hidden = any(part.startswith(".") and part not in ("..", ".") for part in parts)
    if is_hidden or parts[:1] == ("__MACOSX",):
        return False
    what = remedy = ""
    if name.startswith("/") or ".." in parts or ":" in name.split("/")[0][:2]:
        what, remedy = "a name that climbs out of the zip", "It was passed over"
    elif stat.S_ISLNK(member.external_attr >> 16):
        what, remedy = "a link, not a file", "It was passed over"
    elif member.flag_bits & 1:
        what, remedy = "encrypted", "Unpack it with its password first"
    elif member.file_size > BOMB_BYTES and member.file_size > BOMB_RATIO * member.compress_size:
        what, remedy = "packed like a zip bomb", "Unpack it yourself if it is really yours"
    if what:
        complain(f"{label}/{name}", what, remedy)
    return not what


def _visible(folder: Path) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise _unreadable(error)

    for where, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            file = Path(where, name)
            if not name.startswith(".") and file.is_file():
                yield file.relative_to(folder).as_posix()


def _unreadable(error: OSError) -> UserError:
    return UserError(error.filename, f"cannot be read ({error.strerror})", "Make it readable")


def folder_of(name: str) -> str:
    """Return the folder of a tree in which a file lies; nothing where it lies in none."""
    return name.rpartition("/")[0]


def base_of(name: str) -> str:
    """Return a file's name without its folders."""
    return name.rpartition("/")[2]


def suffix_of(name: str) -> str:
    """Return a file's suffix in small letters."""
    return PurePosixPath(name.strip(_AROUND)).suffix.lower()


def joined(folder: str, name: str) -> str:
    """Return the name in a tree of what lies in a folder of it; `` is the tree itself."""
    return f"{folder}/{name}" if folder else name
