"""Acts: what the owner did with a pair, each one event of the store."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

EventId = tuple[str, int]

DECISIONS = ("choice", "rewrite", "skip", "repeat")
MARKS = ("private", "note", "flag")


class Decision:
    """One answer, rewrite, skip or repeat.

    The payload is parsed when it is first read: most of thousands never are.

    Args:
        pair_id: The pair.
        id: The event's id, device and counter.
        kind: `choice`, `rewrite`, `skip` or `repeat`.
        payload: The event's, as a mapping or as stored.
    """

    __slots__ = ("_payload", "id", "kind", "pair_id")

    def __init__(
        self, pair_id: str, id: EventId, kind: str, payload: Mapping[str, Any] | str
    ) -> None:
        self.pair_id, self.id, self.kind, self._payload = pair_id, id, kind, payload

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Decision({self.kind} {self.outcome} of {self.pair_id}, {self.id})"

    @property
    def payload(self) -> Mapping[str, Any]:
        """The event's payload: `left`, `ms`, `probability` and more, each where it is known."""
        if isinstance(self._payload, str):
            self._payload = dict(json.loads(self._payload))
        return self._payload

    @property
    def outcome(self) -> str:
        """`a`, `b`, `both`, `neither`, `rewrite` or `skip`."""
        return str(self.payload.get("outcome", self.kind))

    @property
    def ms(self) -> int | None:
        """Milliseconds from showing the pair to the key, None where unknown."""
        return self.payload.get("ms")

    @property
    def seed(self) -> int | None:
        """Seed of order and sides when the pair was shown, None where there was none."""
        return self.payload.get("selection_seed")

    @property
    def left(self) -> str | None:
        """Answer that stood left, None where unknown."""
        return self.payload.get("left")

    @property
    def repeat_of(self) -> EventId | None:
        """Event of the first answer, where the pair had come back."""
        of = self.payload.get("repeat_of" if self.kind == "rewrite" else "of")
        return (of[0], of[1]) if of else None

    @property
    def mends(self) -> EventId | None:
        """Event of the decision in whose place it was made, where there is one."""
        of = self.payload.get("mends")
        return (of[0], of[1]) if of else None

    @property
    def is_answer(self) -> bool:
        """Whether it decides the pair: a skip does not, and a repeat only compares."""
        return self.kind in ("choice", "rewrite")

    @property
    def words(self) -> str:
        """What it is, in a word."""
        if self.mends is not None:
            return "the change"
        return {"choice": "the answer", "repeat": "the answer"}.get(self.kind, f"the {self.kind}")


class Mark(NamedTuple):
    """Something the owner noted about a pair beside its answer."""

    pair_id: str
    id: EventId  # the event's id, device and counter
    kind: str  # `private`, `note` or `flag`
    text: str = ""  # of a note
    # Of a flag, with the answer `a` or `b`, or None for the pair as a whole.
    flag: tuple[str, str | None] | None = None

    @property
    def words(self) -> str:
        """What it is, in a word."""
        return "the private mark" if self.kind == "private" else f"the {self.kind}"


class MarkRemoval(NamedTuple):
    """A mark switched off, by the undo event of this id."""

    mark: Mark
    id: EventId

    @property
    def pair_id(self) -> str:
        """The pair."""
        return self.mark.pair_id

    @property
    def words(self) -> str:
        """What it is, in a word."""
        return f"the removal of {self.mark.words}"


Act = Decision | Mark | MarkRemoval


def act_of(
    pair_id: str, id: EventId, kind: str, payload: Mapping[str, Any] | str
) -> Decision | Mark | None:
    """Return the act that an event records, None where its kind is no act on a pair."""
    if kind in DECISIONS:
        return Decision(pair_id, id, kind, payload)
    if kind not in MARKS:
        return None
    fields = json.loads(payload) if isinstance(payload, str) else payload
    flag = (fields.get("flag", ""), fields.get("side")) if kind == "flag" else None
    return Mark(pair_id, id, kind, fields.get("text", ""), flag)
