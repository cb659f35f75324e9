"""Let a simulated owner choose: two texts and a prompt go in, never who wrote what."""

import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, Protocol

from align.choices.selection import draw, left_side
from align.console import progress
from align.statistics import Interval, wilson
from align.store.choices import current_choices, simulated_repeats
from align.store.events import NewEvent, append_events
from align.store.pairs import PairView, iter_pairs

Choice = Literal["left", "right", "both", "neither"]
# Share of the pairs that are asked again, sides swapped.
ASKED_AGAIN = 0.06
# Choices in one commit: bulk work may lose the last second of it, never an owner's key.
BATCH = 50


class Chooser(Protocol):
    """Who chooses."""

    def choose(self, prompt: str, left: str, right: str, rng: random.Random) -> Choice:
        """Say which of two answers sounds right."""
        ...


@dataclass
class SimulationResult:
    """What was chosen in one run, and how often a repeated choice was the same."""

    outcomes: Counter[str] = field(default_factory=Counter)
    known: int = 0
    same: int = 0
    again: int = 0

    @property
    def agreement(self) -> Interval | None:
        """The Wilson interval of the self-agreement; None where nothing was asked again."""
        return wilson(self.same, self.again)


def simulate(
    conn: sqlite3.Connection, chooser: Chooser, *, seed: int = 0, version: str = ""
) -> SimulationResult:
    """Choose of every training pair that has no choice yet, in an order the seed gives.

    Each pair is drawn for by itself, so that a run that was stopped goes on to the same choices.
    """
    done = {choice.pair_id for choice in current_choices(conn)}
    repeated = simulated_repeats(conn)
    pairs = sorted(iter_pairs(conn), key=lambda pair: draw(seed, pair.id, "order"))
    result = SimulationResult(known=sum(pair.id in done for pair in pairs))
    waiting = [pair for pair in pairs if pair.id not in done]
    batch: list[NewEvent] = []
    for pair in progress(waiting, len(waiting), "Choosing", unit="pairs"):
        outcome = _ask(chooser, pair, seed, swapped=False)
        result.outcomes[outcome] += 1
        batch.append(_choice(pair, outcome, seed, version))
        if draw(seed, pair.id, "again") < ASKED_AGAIN and pair.id not in repeated:
            again = _ask(chooser, pair, seed, swapped=True)
            batch.append(_repeat(pair, outcome, again))
        if len(batch) >= BATCH:
            append_events(conn, batch)
            batch = []
    append_events(conn, batch)
    for first, second in simulated_repeats(conn).values():
        result.again += 1
        result.same += first == second
    return result


def _ask(chooser: Chooser, pair: PairView, seed: int, *, swapped: bool) -> str:
    """Return `a`, `b`, `both` or `neither`."""
    left = left_side(seed, pair.id)
    if swapped:
        left = "b" if left == "a" else "a"
    texts = {"a": pair.text_a, "b": pair.text_b}
    right = "b" if left == "a" else "a"
    # One generator a question: a choice does not depend on the choices before it.
    rng = random.Random(f"{seed} {pair.id} {'again' if swapped else 'first'}")
    choice = chooser.choose(pair.messages[-1]["content"], texts[left], texts[right], rng)
    return {"left": left, "right": right}.get(choice, choice)


def _choice(pair: PairView, outcome: str, seed: int, version: str) -> NewEvent:
    payload = {
        "outcome": outcome,
        "left": left_side(seed, pair.id),
        "ms": 0,
        "selection": "all",
        "selection_seed": seed,
        "probability": 1.0,
        "version": version,
    }
    return NewEvent("choice", "simulated", pair.id, payload)


def _repeat(pair: PairView, first: str, again: str) -> NewEvent:
    """Return the second asking: a note, so that it takes no choice's place."""
    payload = {"asked_again": {"first": first, "again": again}}
    return NewEvent("note", "simulated", pair.id, payload)
