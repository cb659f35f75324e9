"""Verdicts become rows where their gate is open and nobody chose; packed rows join them."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from align.choices.selection import flaw_of
from align.choices.verdicts import Side as Answer
from align.choices.verdicts import verdict_of
from align.levels import trainable
from align.preferences.preference import JUDGE, RECORD, Preference, Row, side_of
from align.store.choices import current_choices
from align.store.gates import GateRow, gates_named, iter_gates, open_gates
from align.store.pairs import PairView, get_pairs
from align.store.verdicts import both_ways

_CHUNK = 500


def verdict_rows(conn: sqlite3.Connection, held_out: float) -> Iterator[Preference]:
    """Yield the rows of the verdicts that count, ordered by pair."""
    counting = _verdicts_that_count(conn)
    for pair in _pairs_by_id(conn, counting):
        if not _may_be_judged(pair, held_out):
            continue
        gate, weight, winner = counting[pair.id]
        better, worse = (pair.text_a, pair.text_b)[:: 1 if winner == "a" else -1]
        yield Preference(
            messages=tuple(dict(message) for message in pair.messages),
            chosen=better,
            rejected=worse,
            weight=weight,
            source=JUDGE,
            pair_id=pair.id,
            prompt_id=pair.prompt_id,
            split="train",
            gate=gate.id,
        )


def still_judged(conn: sqlite3.Connection, packed: Sequence[Row], held_out: float) -> list[Row]:
    """Return rows that travelled, without the verdicts that count no more by this store.

    Since then the owner may have chosen here, or sealed the pair, and the judge may have tried
    again and found its gate shut. A verdict whose gate is not known counts nowhere.
    """
    judged = {row["pair_id"]: row for row in packed if row["source"] == JUDGE}
    if not judged:
        return list(packed)
    gates = gates_named(conn, {row.get("gate", "") for row in judged.values()})
    still_open = {gate.of for gate in open_gates(conn)}
    gone = {choice.pair_id for choice in current_choices(conn)}
    gone |= {pair.id for pair in _pairs_by_id(conn, judged) if not _may_be_judged(pair, held_out)}

    def counts(row: Row) -> bool:
        gate = gates.get(row.get("gate", ""))
        return (
            gate is not None
            and gate.of in still_open
            and row["pair_id"] not in gone
            and side_of(row["prompt_id"], held_out) == "train"
        )

    return [row for row in packed if row["source"] != JUDGE or counts(row)]


def with_packed(rows: Sequence[Row], packed: Sequence[Row], against_records: float) -> list[Row]:
    """Return this machine's rows, and of those that travelled what it can't make itself.

    The store's choices are newer than what travelled. `packed` are rows of `Preference.to_row`: of
    verdicts those that still count, since they stay where they were made, and of the owner's real
    replies, which lie where their records are, with another weight than 0.
    """
    made = list(rows) or [row for row in packed if row["source"] not in (RECORD, JUDGE)]
    has_replies = any(row["source"] == RECORD for row in made)
    prompts = {row["prompt_id"] for row in made if row["source"] != JUDGE}
    pairs = {row.get("pair_id") for row in made}
    made += [row for row in packed if row["source"] == JUDGE and row["pair_id"] not in pairs]
    if against_records <= 0 or has_replies:
        return made
    replies = (row for row in packed if row["source"] == RECORD)
    return [
        *made,
        *({**row, "weight": against_records} for row in replies if row["prompt_id"] not in prompts),
    ]


def _may_be_judged(pair: PairView, held_out: float) -> bool:
    """Tell whether a verdict on the pair may be trained on."""
    return (
        pair.purpose == "train"
        and pair.split == "train"
        and trainable(pair.level)
        and side_of(pair.prompt_id, held_out) == "train"
        and flaw_of(pair.text_a, pair.text_b, pair.similarity) is None
    )


def _pairs_by_id(conn: sqlite3.Connection, ids: Collection[str]) -> Iterator[PairView]:
    """Yield those of the pairs that are in the store, ordered by id."""
    ordered = sorted(ids)
    for at in range(0, len(ordered), _CHUNK):
        pairs = get_pairs(conn, ordered[at : at + _CHUNK])
        yield from (pairs[id] for id in sorted(pairs))


def _verdicts_that_count(conn: sqlite3.Connection) -> dict[str, tuple[GateRow, float, Answer]]:
    """Return pair -> gate, weight and winner, of pairs of which nobody chose.

    Of a judge's verdicts on a pair the newest counts, however it was briefed. Of several judges the
    one with the greatest weight does; where two name different winners, none does.
    """
    chosen = {choice.pair_id for choice in current_choices(conn)}
    newest: dict[tuple[str, ...], tuple[str, GateRow | None, float, Answer | None]] = {}
    every = list(iter_gates(conn))
    for of in sorted({gate.instrument for gate in open_gates(conn)}):
        gates = [gate for gate in every if gate.instrument == of]
        verdicts = [both for both in both_ways(conn, of) if both.pair_id not in chosen]
        pairs = _pairs_by_id(conn, {verdict.pair_id for verdict in verdicts})
        drawn = {pair.id: pair.drawn_by for pair in pairs}
        for pair_id, ab, ba, time in verdicts:
            winner, certainty, _ = verdict_of(ab, ba)
            gate = _gate_of(gates, drawn.get(pair_id, ""), time)
            key = pair_id, *of[:3]
            if key not in newest or newest[key][0] < time:
                weight = gate.weight_at(certainty) if gate else 0.0
                newest[key] = time, gate, weight, winner
    counting: dict[str, list[tuple[GateRow, float, Answer]]] = defaultdict(list)
    for (pair_id, *_), (_, gate, weight, winner) in newest.items():
        if gate and winner and weight > 0:
            counting[pair_id].append((gate, weight, winner))
    return {
        pair_id: max(verdicts, key=lambda verdict: (verdict[1], verdict[0].id))
        for pair_id, verdicts in counting.items()
        if len({winner for *_, winner in verdicts}) == 1
    }


def _gate_of(gates: Sequence[GateRow], drawn_by: str, time: str) -> GateRow | None:
    """Return the open gate, of an instrument's, that a verdict counts with; None where none is.

    It is the newest on the pairs of its checkpoint. Where it was not written down how a judge was
    briefed, each of them is of another briefing: then it is the newest that was open when the
    verdict was given, as long as what was measured last is open.
    """
    own = [gate for gate in gates if gate.drawn_by in ("", drawn_by)]
    if not own or not own[-1].is_open:
        return None
    if own[-1].briefing:
        return own[-1]
    opened = [gate for gate in own if gate.is_open]
    return next((gate for gate in reversed(opened) if gate.time <= time), opened[0])
