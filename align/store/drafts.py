"""Drafts: what was typed to a pair, kept beside the store's events until it is written anew.

They lie in the store's `meta`, which never travels: a closed terminal loses nothing either.
"""

import json
import sqlite3
from typing import Literal, NamedTuple

from align.errors import UserError
from align.store.connection import transaction
from align.store.ids import storable

DraftKind = Literal["rewrite", "note"]


class Draft(NamedTuple):
    """A text that somebody began to write."""

    text: str
    of: str | None = None  # the answer it started from, `a` or `b`


class Drafts:
    """The drafts of one store: one a pair and kind, the newest."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._unsaved: dict[str, Draft | None] = {}

    def of(self, kind: DraftKind, pair_id: str) -> Draft | None:
        """Return what was typed last to a pair, None where that is nothing."""
        key = _key(kind, pair_id)
        if key in self._unsaved:
            return self._unsaved[key]
        row = self._conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else Draft(*json.loads(row[0]))

    def keep(self, kind: DraftKind, pair_id: str, draft: Draft | None) -> None:
        """Keep a draft in place of the one before; None or a blank one removes it.

        It is in memory at once. On a full disk, or while another program writes, it stays there
        and goes to the store with the next one.
        """
        if draft is not None:
            draft = Draft(storable(draft.text), draft.of) if draft.text.strip() else None
        if draft != self.of(kind, pair_id):
            self._unsaved[_key(kind, pair_id)] = draft
        self.save()

    def save(self) -> bool:
        """Write what is in memory only; tell whether the store has all of it now."""
        try:
            if self._unsaved:
                with transaction(self._conn):
                    for key, draft in self._unsaved.items():
                        self._write(key, draft)
                self._unsaved.clear()
        except UserError:
            return False
        return True

    def _write(self, key: str, draft: Draft | None) -> None:
        self._conn.execute("DELETE FROM meta WHERE key = ?", (key,))
        if draft is not None:
            row = (key, json.dumps(draft))
            self._conn.execute("INSERT INTO meta VALUES (?, ?)", row)


def _key(kind: DraftKind, pair_id: str) -> str:
    return f"draft {kind} {pair_id}"
