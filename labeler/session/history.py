"""What the owner did, act by act, as the store's events tell it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from align.choices.selection import Candidate
from align.store.pairs import Purpose

EventId = tuple[str, int]

ASKED = ("choice", "rewrite", "skip", "repeat")
MARKS = ("private", "note", "flag")


class Done:
    """One answer, rewrite, skip or repeat of the owner's.

    What it says is read when it is first asked for: most of thousands never are.

    Args:
        pair_id: The pair.
        device: With `counter`, the id of the event.
        counter: With `device`, the id of the event.
        kind: `choice`, `rewrite`, `skip` or `repeat`.
        payload: What the event says, read or as it is stored.
    """

    __slots__ = ("_payload", "counter", "device", "kind", "pair_id")

    def __init__(
        self, pair_id: str, device: str, counter: int, kind: str, payload: Mapping[str, Any] | str
    ) -> None:
        self.pair_id, self.device, self.counter, self.kind = pair_id, device, counter, kind
        self._payload = payload

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Done) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Done({self.kind} {self.outcome} of {self.pair_id}, {self.device} {self.counter})"

    @property
    def id(self) -> EventId:
        """Return the event's id."""
        return self.device, self.counter

    @property
    def outcome(self) -> str:
        """Return `a`, `b`, `both`, `neither`, `rewrite` or `skip`."""
        return str(self._says.get("outcome", self.kind))

    @property
    def ms(self) -> int | None:
        """Return milliseconds from showing the pair to the key, None where nobody measured."""
        return self._says.get("ms")

    @property
    def seed(self) -> int | None:
        """Return the seed of order and sides when it was shown, None where there was none."""
        return self._says.get("selection_seed")

    @property
    def left(self) -> str | None:
        """Return which answer stood left, None where nobody wrote it down."""
        return self._says.get("left")

    @property
    def probability(self) -> float | None:
        """Return how probable it was that the pair was asked, None where nobody wrote it down."""
        return self._says.get("probability")

    @property
    def repeat_of(self) -> EventId | None:
        """Return the first answer's event, where the pair had come back."""
        of = self._says.get("repeat_of" if self.kind == "rewrite" else "of")
        return (of[0], of[1]) if of else None

    @property
    def is_answer(self) -> bool:
        """Whether it says which answer is right: a skip does not, and a repeat only compares."""
        return self.kind in ("choice", "rewrite")

    @property
    def words(self) -> str:
        """Return what it is, in a word."""
        return {"choice": "the answer", "repeat": "the answer"}.get(self.kind, f"the {self.kind}")

    @property
    def _says(self) -> Mapping[str, Any]:
        payload = self._payload
        if isinstance(payload, str):
            self._payload = payload = dict(json.loads(payload))
        return payload


class Mark(NamedTuple):
    """Something said about a pair beside its answer.

    Attributes:
        pair_id: The pair.
        kind: `private`, `note` or `flag`.
        device: With `counter`, the id of the event.
        counter: With `device`, the id of the event.
        text: Of a note.
        flag: Of a flag, with the answer `a` or `b`, or None for the pair as a whole.
    """

    pair_id: str
    kind: str
    device: str
    counter: int
    text: str = ""
    flag: tuple[str, str | None] | None = None

    @property
    def id(self) -> EventId:
        """Return the event's id."""
        return self.device, self.counter

    @property
    def words(self) -> str:
        """Return what it is, in a word."""
        return "the private mark" if self.kind == "private" else f"the {self.kind}"


class SwitchedOff(NamedTuple):
    """A mark that was switched off, by the undo event of this id."""

    mark: Mark
    device: str
    counter: int

    @property
    def id(self) -> EventId:
        """Return the event's id."""
        return self.device, self.counter

    @property
    def pair_id(self) -> str:
        """Return the pair."""
        return self.mark.pair_id

    @property
    def words(self) -> str:
        """Return what it is, in a word."""
        return f"the removal of {self.mark.words}"


Act = Done | Mark | SwitchedOff


class Undone(NamedTuple):
    """An act that was taken back, by the event of this id."""

    act: Act
    device: str
    counter: int


@dataclass
class Log:
    """All that the owner did with the pairs of a purpose, oldest first.

    Attributes:
        acts: Those that were not taken back; a mark that was switched off is still among them.
        undone: What can be done again, the next one last.
        off: The marks that are switched off.
        pairs: The pairs that any act is about.
        newest: The row of the newest event, of anyone, that was read.
        seed: Of the newest question that was answered or skipped, even if taken back since.
        reverses: Whether anything was taken back or done again.
    """

    acts: list[Act] = field(default_factory=list)
    undone: list[Undone] = field(default_factory=list)
    off: set[EventId] = field(default_factory=set)
    pairs: dict[str, Candidate] = field(default_factory=dict)
    newest: int = 0
    seed: int | None = None
    reverses: bool = False


_EVENTS = """
SELECT e.device, e.counter, e.kind, e.payload,
       a.pair_id, a.prompt_id, a.checkpoint_number, a.empty, a.likeness
FROM events e LEFT JOIN askable a ON a.purpose = ? AND a.pair_id = e.pair_id
WHERE e.actor = 'owner' AND e.rowid > ? ORDER BY e.time, e.device, e.counter
"""


def newest_event(conn: sqlite3.Connection) -> int:
    """Return the row of the event that the store took in last."""
    return conn.execute("SELECT max(rowid) FROM events").fetchone()[0] or 0


def read_log(conn: sqlite3.Connection, purpose: Purpose, after: int = 0) -> Log:
    """Read what the owner did with the pairs of a purpose.

    Args:
        conn: The store.
        purpose: Pairs for training, or those of the arena.
        after: The row of an event; what came later is read only.
    """
    log = Log(newest=newest_event(conn))
    entries: list[Done | Mark | _Reversal] = []
    cursor = conn.cursor()
    cursor.row_factory = None  # Plain tuples, which are unpacked faster.
    for device, counter, kind, text, pair_id, *about in cursor.execute(_EVENTS, (purpose, after)):
        if kind in ("undo", "redo"):
            entries.append(_reversal_of((device, counter), kind, json.loads(text)))
        # Without a pair it is of another purpose, or of a pair that is not here (yet).
        elif pair_id is not None and (act := act_of(device, counter, kind, pair_id, text)):
            entries.append(act)
            if pair_id not in log.pairs:
                log.pairs[pair_id] = Candidate(pair_id, *about)
    log.reverses = any(isinstance(entry, _Reversal) for entry in entries)
    seeds = (entry.seed for entry in reversed(entries) if isinstance(entry, Done))
    log.seed = next((seed for seed in seeds if seed is not None), None)
    _replay(log, entries)
    return log


def act_of(
    device: str, counter: int, kind: str, pair_id: str, payload: Mapping[str, Any] | str
) -> Done | Mark | None:
    """Return what an event says that the owner did, None where it is nothing of the kind."""
    if kind in ASKED:
        return Done(pair_id, device, counter, kind, payload)
    if kind not in MARKS:
        return None
    says = json.loads(payload) if isinstance(payload, str) else payload
    flag = (says.get("flag", ""), says.get("side")) if kind == "flag" else None
    return Mark(pair_id, kind, device, counter, says.get("text", ""), flag)


class _Reversal(NamedTuple):
    """An undo or a redo of the log.

    `by` says what made it: the key `undo`, the key `redo`, or `switch`, a mark switched off,
    which is an act by itself.
    """

    id: EventId
    kind: str
    target: EventId
    by: str

    @property
    def switches_off(self) -> bool:
        return self.kind == "undo" and self.by != "undo"


def _reversal_of(id: EventId, kind: str, payload: Mapping[str, Any]) -> _Reversal:
    device, counter = payload["target"]
    return _Reversal(id, kind, (device, counter), payload.get("by", kind))


def _replay(log: Log, entries: Sequence[Done | Mark | _Reversal]) -> None:
    """Find out what stands and what can be done again."""
    acts = {entry.id: entry for entry in entries if not isinstance(entry, _Reversal)}
    reversals = [entry for entry in entries if isinstance(entry, _Reversal)]
    redone = {r.target for r in reversals if r.kind == "redo"}
    standing = [r for r in reversals if r.kind == "undo" and r.id not in redone]
    taken_back = {r.target for r in standing if not r.switches_off}
    log.off = {r.target for r in standing if r.switches_off}
    switches = {
        r.id: SwitchedOff(mark, *r.id)
        for r in reversals
        if r.switches_off and isinstance(mark := acts.get(r.target), Mark)
    }
    for entry in entries:
        if not isinstance(entry, _Reversal):
            if entry.id not in taken_back:
                log.acts.append(entry)
        elif entry.id in switches and entry.id not in redone:
            log.acts.append(switches[entry.id])
    for entry in entries:
        if not isinstance(entry, _Reversal) or entry.by == "switch":
            log.undone.clear()
        elif entry.by == "undo" and entry.kind == "undo" and entry.target in acts:
            log.undone.append(Undone(acts[entry.target], *entry.id))
        elif entry.by == "undo" and entry.target in switches:
            log.undone.append(Undone(switches[entry.target], *entry.id))
        elif entry.by == "redo":
            log.undone = [u for u in log.undone if not _does_again(entry, u)]


def _does_again(entry: _Reversal, undone: Undone) -> bool:
    if entry.kind == "redo":
        return entry.target == (undone.device, undone.counter)
    return isinstance(undone.act, SwitchedOff) and undone.act.mark.id == entry.target
