"""What the owner decided, as a list that can be searched and sifted."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from align.store.pairs import PairView, get_pairs
from labeler.session.acts import Decision, EventId, Mark
from labeler.session.current_choices import CurrentChoices

_CHUNK = 500

OUTCOME_WORDS = {"both": "both", "neither": "neither", "rewrite": "my words", "skip": "skipped"}


class Past(NamedTuple):
    """One decision with all that a list shows of it."""

    decision: Decision
    pair: PairView
    marks: Sequence[Mark]
    agrees: bool | None  # of a pair that came back, whether it was decided as before

    @property
    def words(self) -> str:
        """What was decided, in a word or two, on the sides as they were shown."""
        outcome = self.decision.outcome
        if outcome in OUTCOME_WORDS:
            return str(self.decision.payload.get("reason") or OUTCOME_WORDS[outcome])
        side = "left" if outcome == (self.decision.left or "a") else "right"
        return f"{side}, clearly" if self.decision.payload.get("clear") else side

    @property
    def text(self) -> str:
        """What can be searched for: the question, both answers, own words, notes."""
        texts = [message["content"] for message in self.pair.messages]
        own = str(self.decision.payload.get("text", ""))
        return "\n".join(
            [*texts, self.pair.text_a, self.pair.text_b, own, *(m.text for m in self.marks)]
        )

    @property
    def chosen(self) -> str:
        """The text that was preferred, empty where none was."""
        answers = {"a": self.pair.text_a, "b": self.pair.text_b}
        own = str(self.decision.payload.get("text", ""))
        return answers.get(self.decision.outcome, own if self.decision.kind == "rewrite" else "")


class PastPairs:
    """Reads pairs of past decisions from the store, each once."""

    def __init__(self, conn: sqlite3.Connection, choices: CurrentChoices) -> None:
        self._conn, self._choices = conn, choices
        self._pairs: dict[str, PairView] = {}
        self._firsts: dict[EventId | None, str] = {}

    def all(self) -> list[Past]:
        """Return all decisions, the newest first."""
        decisions = self._choices.decisions
        again = {d.repeat_of for d in decisions if d.kind == "repeat"}
        self._firsts = {d.id: d.outcome for d in decisions if d.id in again}
        return [self.of(decision) for decision in reversed(decisions)]

    def of(self, decision: Decision) -> Past:
        """Return a decision with its pair, marks, and whether it agrees with the first one."""
        if decision.pair_id not in self._pairs:
            self._read([d.pair_id for d in self._choices.decisions])
        agrees = None
        if decision.kind == "repeat":
            first = self._firsts.get(decision.repeat_of)
            agrees = None if first is None else first == decision.outcome
        marks = self._choices.marks.get(decision.pair_id, ())
        return Past(decision, self._pairs[decision.pair_id], marks, agrees)

    def _read(self, pair_ids: Sequence[str]) -> None:
        missing = [pair_id for pair_id in dict.fromkeys(pair_ids) if pair_id not in self._pairs]
        for at in range(0, len(missing), _CHUNK):
            self._pairs |= get_pairs(self._conn, missing[at : at + _CHUNK])


# What a list can be narrowed to, one after the other.
FILTERS: dict[str, Callable[[Past], bool]] = {
    "all": lambda past: True,
    "left or right": lambda past: past.decision.outcome in ("a", "b"),
    "both": lambda past: past.decision.outcome == "both",
    "neither": lambda past: past.decision.outcome == "neither",
    "my words": lambda past: past.decision.kind == "rewrite",
    "skipped": lambda past: past.decision.kind == "skip",
    "marked": lambda past: bool(past.marks),
    "asked again and decided otherwise": lambda past: past.agrees is False,
}


def sifted(pasts: Sequence[Past], name: str, words: str) -> list[Past]:
    """Return those that a filter keeps and in which all words stand, whatever their case."""
    wanted = words.casefold().split()
    kept = filter(FILTERS[name], pasts)
    return [past for past in kept if not wanted or _has(past.text.casefold(), wanted)]


def _has(text: str, words: Sequence[str]) -> bool:
    return all(word in text for word in words)
