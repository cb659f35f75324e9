"""Claims: which running labeler shows which pair, so that two never show the same one.

A claim whose process is gone is void: nobody has to clean up after a kill.
"""

import os
import secrets
import sqlite3
from pathlib import Path
from weakref import WeakValueDictionary


class Holder:
    """One running labeler, before the others on the same store."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        # A number alone may name another process by now; the token tells sessions of one process.
        self.name = f"{_started(self.pid)}-{secrets.token_hex(8)}"
        _HERE[self.name] = self

    def claim(self, conn: sqlite3.Connection, pair_id: str) -> bool:
        """Take a pair, or say that another running labeler shows it."""
        row = conn.execute(
            "SELECT holder, pid FROM claims WHERE pair_id = ?", (pair_id,)
        ).fetchone()
        if row is not None and row[0] != self.name and _is_alive(row[0], row[1]):
            return False
        conn.execute(
            "INSERT INTO claims VALUES (?,?,?) ON CONFLICT (pair_id) "
            "DO UPDATE SET holder = excluded.holder, pid = excluded.pid",
            (pair_id, self.name, self.pid),
        )
        return True

    def release(self, conn: sqlite3.Connection) -> None:
        """Let go of what this labeler shows."""
        conn.execute("DELETE FROM claims WHERE holder = ?", (self.name,))


# Those of this process: a killed predecessor may have had its number.
_HERE: WeakValueDictionary[str, Holder] = WeakValueDictionary()


def _is_alive(holder: str, pid: int) -> bool:
    if pid == os.getpid():
        return holder in _HERE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # It is there, and somebody else's.
    then, now = holder.partition("-")[0], _started(pid)
    return now != _ENDED and (now == then or _UNKNOWN in (now, then))


_UNKNOWN, _ENDED = "unknown", "ended"


def _started(pid: int) -> str:
    """Return when a process started, where the system says so."""
    try:
        # After the name, which may hold anything, come the state and 18 more, then the start.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _UNKNOWN
    return _ENDED if fields[0] in "ZX" else fields[19]
