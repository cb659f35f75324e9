"""The undo history: the owner's acts as a stack, written to the store and kept in memory.

Undo and redo are events too, so they reach back across restarts. Such an event holds in its payload
what made it: `undo`, `redo`, or `switch`, a mark switched off, which is an act by itself; `mend`
where a new decision takes an old one's place.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from align.store.acts import owner_events
from align.store.events import Event, EventKind, NewEvent, append_events
from align.store.pairs import Purpose
from labeler.session.acts import Act, Decision, EventId, Mark, MarkRemoval, act_of
from labeler.session.current_choices import CurrentChoices


class Undone(NamedTuple):
    """An act that was taken back, by the event of this id."""

    act: Act
    id: EventId


class Reversal(NamedTuple):
    """An undo or a redo event of the log."""

    id: EventId
    kind: str
    target: EventId
    by: str

    @property
    def switches_off(self) -> bool:
        """Whether it switches a mark off."""
        return self.kind == "undo" and self.by != "undo"


Entry = Decision | Mark | Reversal


class UndoHistory:
    """All acts on the pairs of a purpose.

    The methods that write belong in one transaction; where it fails, `read` mends the memory.

    Args:
        conn: The store.
        purpose: Pairs for training, or those of the arena.

    Attributes:
        acts: What can be taken back, the next one last: of this session and those before it.
        undone: What can be done again, the next one last.
        choices: What the acts come to.
        seed: Of the newest question that was answered or skipped, even if taken back since.
    """

    def __init__(self, conn: sqlite3.Connection, purpose: Purpose) -> None:
        self._conn, self._purpose = conn, purpose
        self.choices = CurrentChoices()
        self.read()

    def read(self) -> None:
        """Read all acts from the store."""
        entries: list[Entry] = []
        for id, kind, payload, candidate in owner_events(self._conn, self._purpose):
            if kind in ("undo", "redo"):
                fields = json.loads(payload)
                device, counter = fields["target"]
                entries.append(Reversal(id, kind, (device, counter), fields.get("by", kind)))
            # Without a pair it is of another purpose, or of a pair that is not here (yet).
            elif candidate and (act := act_of(candidate.pair_id, id, kind, payload)):
                entries.append(act)
                self.choices.pairs.setdefault(candidate.pair_id, candidate)
        self._mended = {
            entry.target: entry.id
            for entry in entries
            if isinstance(entry, Reversal) and entry.kind == "undo" and entry.by == "mend"
        }
        seeds = (entry.seed for entry in reversed(entries) if isinstance(entry, Decision))
        self.seed = next((seed for seed in seeds if seed is not None), None)
        self.acts, standing = _standing(entries)
        self.undone = _undone(entries)
        self.choices.read(standing)

    def do(self, kind: EventKind, pair_id: str, payload: Mapping[str, Any]) -> Decision | Mark:
        """Write a new act; nothing can be done again after it."""
        event = self._append(kind, pair_id, payload)
        act = act_of(pair_id, event.id, kind, event.payload)
        assert act is not None
        self.choices.add(act)
        self.acts.append(act)
        self.undone.clear()
        return act

    def mend(
        self, old: Decision, kind: EventKind, pair_id: str, payload: Mapping[str, Any]
    ) -> Decision:
        """Write a new decision in the place of an old one, which an undo of it brings back."""
        self._append("undo", pair_id, {"target": old.id, "by": "mend"})
        event = self._append(kind, pair_id, {**payload, "mends": old.id})
        self.read()
        return next(act for act in self.choices.decisions if act.id == event.id)

    def switch_off(self, mark: Mark) -> None:
        """Write that a mark is switched off, which is an act like any other."""
        self.acts.append(self._switch_off(mark, "switch"))
        self.undone.clear()

    def undo(self) -> Act | None:
        """Write that the last act is taken back, and return it; None where there is none."""
        if not self.acts:
            return None
        act = self.acts.pop()
        payload = {"target": act.id, "by": "undo"}
        if isinstance(act, Decision) and act.mends is not None:
            self._append("undo", act.pair_id, payload)
            off = {"target": self._mended[act.mends], "by": "undo"}
            self._append("redo", act.pair_id, off)
            self.read()
            return act
        if isinstance(act, MarkRemoval):
            event = self._append("redo", act.pair_id, payload)
            self.choices.add(act.mark)
        else:
            event = self._append("undo", act.pair_id, payload)
            self.choices.remove(act)
        self.undone.append(Undone(act, event.id))
        return act

    def redo(self) -> Act | None:
        """Write that the last act taken back stands again, and return it; None without one."""
        if not self.undone:
            return None
        act, id = self.undone.pop()
        if isinstance(act, MarkRemoval):
            act = self._switch_off(act.mark, "redo")
        else:
            self._append("redo", act.pair_id, {"target": id, "by": "redo"})
            if isinstance(act, Decision) and act.mends is not None:
                self._append("undo", act.pair_id, {"target": act.mends, "by": "mend"})
                self.read()
                return act
            self.choices.add(act)
        self.acts.append(act)
        return act

    def _switch_off(self, mark: Mark, by: str) -> MarkRemoval:
        event = self._append("undo", mark.pair_id, {"target": mark.id, "by": by})
        self.choices.remove(mark)
        return MarkRemoval(mark, event.id)

    def _append(self, kind: EventKind, pair_id: str, payload: Mapping[str, Any]) -> Event:
        return append_events(self._conn, [NewEvent(kind, "owner", pair_id, payload)])[0]


def _standing(entries: Sequence[Entry]) -> tuple[list[Act], list[Decision | Mark]]:
    """Return the acts that were not taken back, and those of them that no removal switched off."""
    reversals = [entry for entry in entries if isinstance(entry, Reversal)]
    redone = {r.target for r in reversals if r.kind == "redo"}
    undos = [r for r in reversals if r.kind == "undo" and r.id not in redone]
    taken_back = {r.target for r in undos if not r.switches_off}
    off = {r.target for r in undos if r.switches_off}
    removals = _removals(entries)
    acts: list[Act] = []
    for entry in entries:
        if not isinstance(entry, Reversal):
            if entry.id not in taken_back:
                acts.append(entry)
        elif entry.id in removals and entry.id not in redone:
            acts.append(removals[entry.id])
    return acts, [act for act in acts if not isinstance(act, MarkRemoval) and act.id not in off]


def _undone(entries: Sequence[Entry]) -> list[Undone]:
    """Return what can be done again, the next one last."""
    acts: dict[EventId, Act] = {e.id: e for e in entries if not isinstance(e, Reversal)}
    acts.update(_removals(entries))
    undone: list[Undone] = []
    for entry in entries:
        if not isinstance(entry, Reversal) or entry.by == "switch":
            undone.clear()
        elif entry.by == "redo":
            undone = [u for u in undone if not _does_again(entry, u)]
        elif entry.by == "undo" and entry.target in acts:
            undone.append(Undone(acts[entry.target], entry.id))
    return undone


def _removals(entries: Iterable[Entry]) -> dict[EventId, MarkRemoval]:
    """Return the events that ever switched a mark off, by id."""
    marks = {entry.id: entry for entry in entries if isinstance(entry, Mark)}
    return {
        entry.id: MarkRemoval(marks[entry.target], entry.id)
        for entry in entries
        if isinstance(entry, Reversal) and entry.switches_off and entry.target in marks
    }


def _does_again(redo: Reversal, undone: Undone) -> bool:
    if redo.kind == "redo":
        return redo.target == undone.id
    return isinstance(undone.act, MarkRemoval) and undone.act.mark.id == redo.target
