"""The ledger: what the owner did, in the store and in memory, changed together or not at all."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from align.store.connection import transaction
from align.store.events import Event, EventKind, NewEvent, append_events
from align.store.pairs import Purpose
from labeler.session.history import (
    Act,
    Done,
    Mark,
    SwitchedOff,
    Undone,
    act_of,
    newest_event,
    read_log,
)
from labeler.session.standing import Standing


class Ledger:
    """All acts on the pairs of a purpose.

    Args:
        conn: The store.
        purpose: Pairs for training, or those of the arena.

    Attributes:
        acts: What can be taken back, the next one last: of this sitting and those before it, never
            of another labeler that runs beside it.
        undone: What can be done again, the next one last.
        standing: What counts, of all labelers.
        seed: Of the newest question before this sitting.
        rereads: How often all was read again, because another labeler took something back.
    """

    def __init__(self, conn: sqlite3.Connection, purpose: Purpose) -> None:
        self._conn, self._purpose = conn, purpose
        log = read_log(conn, purpose)
        self.acts, self.undone, self._newest, self.seed = log.acts, log.undone, log.newest, log.seed
        self.standing = Standing(log)
        self.rereads = 0

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """Commit all of a block's acts, then let them count; or neither.

        Raises:
            UserError: It could not be committed; nothing has changed.
        """
        writing = Writing(self._conn, self)
        try:
            with transaction(self._conn):
                self._catch_up()
                yield writing
                newest = newest_event(self._conn)
        except BaseException:
            for take_back in reversed(writing.on_failure):
                take_back()
            raise
        self._newest = newest
        for finish in writing.on_commit:
            finish()

    def _catch_up(self) -> None:
        """Take in what other labelers did meanwhile."""
        newest = newest_event(self._conn)
        if newest == self._newest:
            return
        log = read_log(self._conn, self._purpose, after=self._newest)
        if log.reverses:
            self._read_again()
        else:
            self.standing.pairs.update(log.pairs)
            for act in log.acts:
                assert not isinstance(act, SwitchedOff)
                self.standing.add(act)
        # A pair that another labeler answered meanwhile is theirs: to take back what was done with
        # it before would ask for it a second time.
        theirs = {act.pair_id for act in log.acts if isinstance(act, Done) and act.is_answer}
        self.acts = [act for act in self.acts if act.pair_id not in theirs]
        self.undone = [undone for undone in self.undone if undone.act.pair_id not in theirs]
        self._newest = newest

    def _read_again(self) -> None:
        log = read_log(self._conn, self._purpose)
        mine = {act.id for act in self.acts}
        self.acts = [act for act in log.acts if act.id in mine]
        self.standing.read(log)
        self.rereads += 1


class Writing:
    """What is about to be committed."""

    def __init__(self, conn: sqlite3.Connection, ledger: Ledger) -> None:
        self._conn, self._ledger = conn, ledger
        self.on_commit: list[Callable[[], object]] = []
        self.on_failure: list[Callable[[], object]] = []

    def do(self, kind: EventKind, pair_id: str, payload: Mapping[str, Any]) -> Done | Mark:
        """Write a new act; nothing can be done again after it."""
        event = self._append(kind, pair_id, payload)
        act = act_of(event.device, event.counter, kind, pair_id, event.payload)
        assert act is not None
        self._add(act)
        self._new(act)
        return act

    def switch_off(self, mark: Mark) -> None:
        """Write that a mark is switched off, which is an act like any other."""
        self._new(self._switch_off(mark, "switch"))

    def undo(self) -> Act | None:
        """Write that the last act is taken back, and return it; None where there is none."""
        if not self._ledger.acts:
            return None
        act = self._ledger.acts[-1]
        payload = {"target": act.id, "by": "undo"}
        if isinstance(act, SwitchedOff):
            event = self._append("redo", act.pair_id, payload)
            self._add(act.mark)
        else:
            event = self._append("undo", act.pair_id, payload)
            self._remove(act)
        self.on_commit += [
            partial(_remove, self._ledger.acts, act),
            partial(self._ledger.undone.append, Undone(act, event.device, event.counter)),
        ]
        return act

    def redo(self) -> Act | None:
        """Write that the last act taken back stands again, and return it; None without one."""
        if not self._ledger.undone:
            return None
        undone = self._ledger.undone[-1]
        act: Act = undone.act
        if isinstance(act, SwitchedOff):
            act = self._switch_off(act.mark, "redo")
        else:
            target = (undone.device, undone.counter)
            self._append("redo", act.pair_id, {"target": target, "by": "redo"})
            self._add(act)
        self.on_commit += [
            partial(_remove, self._ledger.undone, undone),
            partial(self._ledger.acts.append, act),
        ]
        return act

    def _new(self, act: Act) -> None:
        self.on_commit += [partial(self._ledger.acts.append, act), self._ledger.undone.clear]

    def _switch_off(self, mark: Mark, by: str) -> SwitchedOff:
        event = self._append("undo", mark.pair_id, {"target": mark.id, "by": by})
        self._remove(mark)
        return SwitchedOff(mark, event.device, event.counter)

    def _append(self, kind: EventKind, pair_id: str, payload: Mapping[str, Any]) -> Event:
        return append_events(self._conn, [NewEvent(kind, "owner", pair_id, payload)])[0]

    def _add(self, act: Done | Mark) -> None:
        self._ledger.standing.add(act)
        self.on_failure.append(partial(self._ledger.standing.remove, act))

    def _remove(self, act: Done | Mark) -> None:
        place = self._ledger.standing.remove(act)
        self.on_failure.append(partial(self._ledger.standing.add, act, place))


def _remove(stack: list[Any], entry: object) -> None:
    """Take an entry off its stack; it is the last but for what another labeler took back."""
    stack.remove(entry) if stack[-1] != entry else stack.pop()
