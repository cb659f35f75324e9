"""Verdicts of judges whose gate is open become rows, where nobody chose."""

import sqlite3
from collections.abc import Collection, Iterator

from align.choices.selection import flaw_of
from align.choices.verdicts import Side as Answer
from align.choices.verdicts import passes, verdict_of
from align.preferences.preference import JUDGE, Preference, side_of
from align.store.choices import current_choices
from align.store.gates import GateRow, open_gates
from align.store.pairs import PairView, get_pairs
from align.store.verdicts import both_ways

_CHUNK = 500


def verdict_rows(conn: sqlite3.Connection, held_out: float) -> Iterator[Preference]:
    """Yield the rows of the verdicts that count, ordered by pair."""
    counting = _verdicts_that_count(conn)
    for pair in pairs_by_id(conn, counting):
        if not may_be_judged(pair, held_out):
            continue
        gate, winner = counting[pair.id]
        better, worse = (pair.text_a, pair.text_b)[:: 1 if winner == "a" else -1]
        yield Preference(
            messages=tuple(dict(message) for message in pair.messages),
            chosen=better,
            rejected=worse,
            weight=gate.weight,
            source=JUDGE,
            pair_id=pair.id,
            prompt_id=pair.prompt_id,
            split="train",
            gate=gate.id,
        )


def may_be_judged(pair: PairView, held_out: float) -> bool:
    """Tell whether a verdict on the pair may be trained on."""
    return (
        pair.purpose == "train"
        and pair.split == "train"
        and pair.level != "sealed"
        and side_of(pair.prompt_id, held_out) == "train"
        and flaw_of(pair.text_a, pair.text_b, pair.similarity) is None
    )


def pairs_by_id(conn: sqlite3.Connection, ids: Collection[str]) -> Iterator[PairView]:
    """Yield those of the pairs that are in the store, ordered by id."""
    ordered = sorted(ids)
    for at in range(0, len(ordered), _CHUNK):
        pairs = get_pairs(conn, ordered[at : at + _CHUNK])
        yield from (pairs[id] for id in sorted(pairs))


def _verdicts_that_count(conn: sqlite3.Connection) -> dict[str, tuple[GateRow, Answer]]:
    """Return pair -> gate and winner, of pairs of which nobody chose.

    Of several judges the one with the greatest weight counts; where two name different winners,
    none does.
    """
    chosen = {choice.pair_id for choice in current_choices(conn)}
    counting: dict[str, tuple[GateRow, Answer] | None] = {}
    for gate in sorted(open_gates(conn), key=lambda gate: (-gate.weight, gate.id)):
        for pair_id, ab, ba in both_ways(conn, *gate.of):
            winner, certainty, _ = verdict_of(ab, ba)
            if winner is None or pair_id in chosen or not passes(certainty, gate.certainties):
                continue
            first = counting.setdefault(pair_id, (gate, winner))
            if first is not None and first[1] != winner:
                counting[pair_id] = None
    return {pair_id: counts for pair_id, counts in counting.items() if counts is not None}
