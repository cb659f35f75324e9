"""The egress log, of what left this machine: one line for each attempt, and never a text.

`data/<owner>/egress.jsonl` is only ever appended to. What is under way stands in a file beside it,
`egress.open.<random>.jsonl`, one for each running process and locked by it: once the process is
gone, however it went, its attempts without an end are found there.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from align.errors import UserError
from align.paths import owner_dir, relative_to_root
from align.privacy.egress_log_lines import ID, append, checked, lines_of, now, unfinished

FILE, OPEN_FILES = "egress.jsonl", "egress.open.*.jsonl"
# Tokens read, those kept in and read from the cache apart, and USD.
USED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost")
_SYNC_EVERY = 1.0
# A long run's file of open attempts is begun anew, with those that are still open.
_OPEN_BYTES = 4 * 2**20
_FLAGS = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class Attempt(NamedTuple):
    """One HTTP request that is about to be sent."""

    purpose: str  # what it is for: `judge`, `questions`
    method: str  # as in HTTP
    path: str  # of the URL, without its query
    host: str  # who gets it, with the port where it is none of the usual
    sha256: str  # of the body's bytes, as 64 hex digits
    bytes: int  # how long the body is
    model: str | None = None  # None where the request names none
    ids: Sequence[str] = ()  # what it is about, such as ids of requests or pairs


class EgressLog:
    """Writes an owner's egress log. Several processes may do so at once.

    What is written survives the end of the process at once, and a power cut after a second. A file
    that can't be written is a UserError.
    """

    def __init__(self, owner_id: str) -> None:
        self.owner_id = owner_id
        self._folder = owner_dir(owner_id)
        self.path = self._folder / FILE
        self._underway: dict[str, dict[str, Any]] = {}
        self._synced = time.monotonic()
        self._torn = False
        self._file = self._open_file = -1
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(self.path, _FLAGS, 0o600)
            os.fchmod(self._file, 0o600)
            size = os.fstat(self._file).st_size
            # A line that a full disk cut short must not swallow the next one.
            self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"
            self._note_unfinished()
            self._open_path, self._open_file = self._new_open_file()
        except OSError as error:
            if self._file >= 0:
                os.close(self._file)
            remedy = "Make the file and its folder writable: nothing is sent without it"
            what = f"the egress log can't be written ({error.strerror})"
            raise UserError(relative_to_root(self.path), what, remedy) from None

    def begin(self, attempt: Attempt) -> str:
        """Note an attempt before it is sent, and return its token.

        Raises:
            ValueError: A field looks like no such field; nothing may be sent then.
            OSError: It can't be written; nothing may be sent then.
        """
        token = secrets.token_hex(8)
        line = checked({"attempt": token, "time": now(), **attempt._asdict()})
        self.ready()
        # After a line that a full disk cut short, too, it stands on a line of its own.
        append(self._open_file, line, before=b"\n")
        self._underway[token] = line
        return token

    def end(
        self,
        token: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        error: str | None = None,
        **used: float | None,
    ) -> None:
        """Append the line of the attempt that `begin` named; what is not known is None.

        `error` is the class of what went wrong, no more; `used` are tokens as the provider counts
        them, and USD: those of `USED`.

        Raises:
            KeyError: No such attempt is under way.
            OSError: It can't be written.
        """
        result = {
            "status": status,
            # The provider's word: an odd one is no reason to lose the line.
            "request_id": request_id if request_id and ID.fullmatch(request_id) else None,
            **_all_of(used),
            "error": error,
        }
        self._write({"kind": "attempt", **self._underway[token], **result})
        del self._underway[token]
        if os.fstat(self._open_file).st_size > _OPEN_BYTES:
            self._renew()

    def refused(
        self, reason: str, *, host: str, purpose: str, ids: Sequence[str] = (), where: str = ""
    ) -> None:
        """Note what the gate stopped."""
        line = {"host": host, "purpose": purpose, "ids": ids, "where": where}
        self._write({"kind": "refused", "time": now(), "reason": reason, **line})

    def consent(self, *, host: str, purpose: str, terms: str, how: str) -> None:
        """Note that the owner agreed, to which terms, and how they said so; synced at once."""
        line = {"host": host, "purpose": purpose, "terms": terms, "how": how}
        self._write({"kind": "consent", "time": now(), **line})
        self._sync()

    def settled(
        self,
        *,
        purpose: str,
        host: str,
        batch: str,
        model: str | None,
        requests: int,
        **used: float | None,
    ) -> None:
        """Note what a batch came to, once its results are known; `used` is as in `end`."""
        line = {"purpose": purpose, "host": host, "batch": batch, "model": model}
        self._write(
            {"kind": "settled", "time": now(), **line, "requests": requests, **_all_of(used)}
        )

    def ready(self) -> None:
        """Check that what is written stays; OSError where the log is closed, or its file gone."""
        if os.stat(self.path).st_ino != os.fstat(self._file).st_ino:
            raise OSError("another file stands in the egress log's place")

    def close(self) -> None:
        """Write what is under way as unfinished, and sync; twice is once."""
        if self._file < 0:
            return
        for line in self._underway.values():
            self._write(unfinished(line))
        self._underway.clear()
        os.fsync(self._file)
        self._open_path.unlink(missing_ok=True)
        os.close(self._open_file)
        os.close(self._file)
        self._file = self._open_file = -1

    def __enter__(self) -> "EgressLog":
        """Return the log."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        data = checked(line)
        torn, self._torn = self._torn, True
        append(self._file, data, before=b"\n" if torn else b"")
        self._torn = False
        if time.monotonic() - self._synced >= _SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._file)
        if self._open_file >= 0:
            os.fsync(self._open_file)
        self._synced = time.monotonic()

    def _new_open_file(self) -> tuple[Path, int]:
        """Return a new file for open attempts, locked as long as this process is there."""
        while True:
            path = self._folder / OPEN_FILES.replace("*", secrets.token_hex(8))
            number = os.open(path, _FLAGS | os.O_EXCL, 0o600)
            fcntl.flock(number, fcntl.LOCK_EX)
            # Before it was locked, another process could take it for one that is left over.
            if os.fstat(number).st_nlink:
                return path, number
            os.close(number)

    def _renew(self) -> None:
        """Forget the attempts that have ended."""
        path, number = self._new_open_file()
        for line in self._underway.values():
            append(number, line)
        self._open_path.unlink(missing_ok=True)
        os.close(self._open_file)
        self._open_path, self._open_file = path, number

    def _note_unfinished(self) -> None:
        """Write down what processes that are gone began and never ended."""
        for path in sorted(self._folder.glob(OPEN_FILES)):
            try:
                number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                if _is_locked(number) or not os.fstat(number).st_nlink:
                    continue
                for line in _without_end(self.path, lines_of(path)):
                    self._write(unfinished(line))
                os.fsync(self._file)
                path.unlink(missing_ok=True)
            finally:
                os.close(number)


def read(owner_id: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of an owner's egress log, oldest first; then the attempts without an end.

    Those have `"status": None` and either `"underway": True`, while their process runs, or
    `"unfinished": True`. A line that can't be read is `{"kind": "damaged"}`. Writes nothing.
    """
    folder = owner_dir(owner_id)
    open_lines: list[dict[str, Any]] = []
    # These first: an attempt that ends meanwhile is then found among the ended.
    for path in sorted(folder.glob(OPEN_FILES)):
        try:
            number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            mark = "underway" if _is_locked(number, fcntl.LOCK_SH) else "unfinished"
            rows = [row for row in lines_of(path) if row["kind"] != "damaged"]
        finally:
            os.close(number)
        open_lines += [{**row, "kind": "attempt", "status": None, mark: True} for row in rows]
    ended = set()
    for row in lines_of(folder / FILE):
        ended.add(row.get("attempt"))
        yield row
    # By time: the files' names are random.
    open_lines.sort(key=lambda row: str(row.get("time")))
    yield from (row for row in open_lines if row["attempt"] not in ended)


def _all_of(used: Mapping[str, float | None]) -> dict[str, float | None]:
    if unknown := used.keys() - set(USED):
        raise TypeError(f"not what is logged: {', '.join(sorted(unknown))}")
    return {name: used.get(name) for name in USED}


def _is_locked(number: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _without_end(path: Path, begun: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the attempts that were begun and have no line in the log."""
    wanted = {row["attempt"]: row for row in begun if row["kind"] != "damaged"}
    if wanted:
        for row in lines_of(path):
            wanted.pop(row.get("attempt"), None)
    return list(wanted.values())
