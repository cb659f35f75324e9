"""What there is of an owner, counted, and which command comes next."""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from align.choices.arena import Contest, contests
from align.choices.tally import Tally, tally
from align.console import make_command
from align.levels import Level
from align.models.checkpoints import numbered
from align.paths import checkpoints_dir, owner_dir, relative_to_root, simulated_file, store_path
from align.store.acts import owner_decisions
from align.store.batches import Batch, open_batches
from align.store.choices import arena_choices
from align.store.gates import GateRow, newest_gates
from align.store.ids import Split
from align.store.row_counts import (
    choices_by_actor,
    pairs_by_purpose,
    pairs_of_checkpoint,
    prompts_by_source,
    records_by_kind,
)
from align.store.verdicts import Counts, counts


class Judge(NamedTuple):
    """A judge of the owner's, told apart by model and prompt."""

    name: str  # judge and model and, where one model had several prompts, which
    counts: Counts  # what it answered
    gate: GateRow | None  # its newest attempt; None where it never tried

    def words(self) -> str:
        """Return it as a line: how many verdicts, and whether they count."""
        text = f"{self.name}: {self.counts.verdicts:,} verdicts on {self.counts.pairs:,} pairs"
        if self.gate is None:
            return f"{text}, not measured yet"
        state = f"open, weight {self.gate.weight:.2f}" if self.gate.is_open else "shut"
        accuracy, interval = (self.gate.report.get(key) for key in ("accuracy", "interval"))
        measured = f", agrees with the owner in {accuracy:.0%}" if accuracy is not None else ""
        within = f" ({interval[0]:.0%} to {interval[1]:.0%})" if interval else ""
        return f"{text}, gate {state}{measured}{within}"


@dataclass
class Overview:
    """Counts of an owner's store and checkpoints."""

    owner_id: str
    store: bool = False
    records: Counter[tuple[str, str, Level, str]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    prompts: Counter[tuple[str, Split]] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    choices: Counter[tuple[str, str]] = field(default_factory=Counter)
    tally: Tally = field(default_factory=lambda: tally([]))
    contests: list[Contest] = field(default_factory=list)
    judges: list[Judge] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    pairs_of_newest: int = 0
    newest_choice: str = ""
    scorecard: Path | None = None
    packed: bool = False
    simulated: bool = False

    @property
    def decisive(self) -> int:
        """How many choices have a winner."""
        return sum(n for (_, outcome), n in self.choices.items() if outcome in _DECISIVE)


_DECISIVE = ("a", "b", "rewrite")


def overview(owner_id: str, conn: sqlite3.Connection | None) -> Overview:
    """Count what there is; little more than counts is read, so that it takes no time."""
    result = Overview(owner_id, store=conn is not None)
    folder = owner_dir(owner_id)
    result.packed = (folder / "packed" / "sft-rows.jsonl").is_file()
    result.simulated = simulated_file(owner_id) is not None
    result.checkpoints = [path.name for path in numbered(owner_id)]
    cards = [*checkpoints_dir(owner_id).rglob("scorecard.json"), *folder.glob("scorecard.json")]
    result.scorecard = max(cards, key=lambda path: path.stat().st_mtime_ns, default=None)
    if conn is not None:
        _count(conn, result)
    return result


def _count(conn: sqlite3.Connection, overview: Overview) -> None:
    for (kind, source, level, left_out, split), n in records_by_kind(conn).items():
        if n and left_out is None:
            overview.records[kind, source, level, split] += n
        elif n and left_out:
            overview.left_out[left_out] += n
    overview.prompts, overview.pairs = prompts_by_source(conn), pairs_by_purpose(conn)
    overview.choices, overview.newest_choice = choices_by_actor(conn)
    overview.tally = tally(owner_decisions(conn))
    overview.contests = contests(arena_choices(conn))
    overview.judges, overview.batches = _judges(conn), open_batches(conn)
    if overview.checkpoints:
        overview.pairs_of_newest = pairs_of_checkpoint(conn, overview.checkpoints[-1])


def _judges(conn: sqlite3.Connection) -> list[Judge]:
    """Return those who judged or tried to, ordered by name."""
    counted, gates = counts(conn), {gate.instrument[:3]: gate for gate in newest_gates(conn)}
    names = sorted({*counted, *gates})
    prompts = Counter((judge, model) for judge, model, _ in names)
    return [
        Judge(
            f"{judge} {model}" + (f" ({prompt[:8]})" if prompts[judge, model] > 1 else ""),
            counted.get((judge, model, prompt), Counts(0, 0, 0)),
            gates.get((judge, model, prompt)),
        )
        for judge, model, prompt in names
    ]


def next_command(overview: Overview) -> tuple[str, str]:
    """Return the command that comes next, as it can be pasted, and why."""
    owner_id = overview.owner_id
    if not overview.records and not overview.packed and not overview.checkpoints:
        source = "" if owner_id == "demo" else " FROM=~/my-writing"
        return make_command("ingest", owner_id) + source, "no writing yet"
    if not overview.checkpoints:
        return make_command("sft", owner_id), "writing, but no twin yet"
    if not overview.pairs["train"]:
        return make_command("sample", owner_id), "a twin, but no pairs to choose from"
    if not overview.decisive:
        chooser = "simulate" if overview.simulated else "label"
        return make_command(chooser, owner_id), "pairs, but no choices yet"
    trained = [name for name in overview.checkpoints if name.endswith("-dpo")]
    if not trained or _newer_choices(overview, trained[-1]):
        why = f"{overview.decisive:,} choices that no twin was trained on yet"
        return make_command("dpo", owner_id), why
    if overview.scorecard is None:
        return make_command("evaluate", owner_id), "a trained twin without a scorecard"
    if overview.pairs_of_newest == 0:
        return make_command("sample", owner_id), "a new round: pairs of the newest twin"
    return make_command("chat", owner_id), "all is done: talk with the twin"


def _newer_choices(overview: Overview, checkpoint: str) -> bool:
    """Tell whether something was chosen after the checkpoint was made."""
    try:
        text = (checkpoints_dir(overview.owner_id) / checkpoint / "twin.json").read_text("utf-8")
        created = str(json.loads(text).get("created", ""))
    except (OSError, ValueError, AttributeError):
        return False
    return bool(created) and created[:19] < overview.newest_choice[:19]


def lines(overview: Overview) -> list[str]:
    """Return the overview as it is printed."""
    shown = [f"owner {overview.owner_id}: {relative_to_root(store_path(overview.owner_id))}"]
    if not overview.store:
        shown[0] = f"owner {overview.owner_id}: no store yet"
    shown.append(f"records      {sum(overview.records.values()):,}")
    for (kind, source, level, split), n in sorted(overview.records.items()):
        shown.append(f"  {source:<17} {kind:<9} {level:<11} {split:<11} {n:>9,}")
    for reason, n in sorted(overview.left_out.items()):
        shown.append(f"  left out: {reason:<40} {n:>9,}")
    shown.append(f"prompts      {_spelled(overview.prompts)}")
    shown.append(f"pairs        {_spelled(overview.pairs)}")
    by_actor: Counter[str] = Counter()
    for (actor, _), n in overview.choices.items():
        by_actor[actor] += n
    decisive = f", {overview.decisive:,} with a winner" if overview.choices else ""
    shown.append(f"choices      {_spelled(by_actor)}{decisive}")
    sentences = [
        *overview.tally.words(),
        *(f"arena: {contest.words()}" for contest in overview.contests),
    ]
    shown += [f"  {line}" for line in sentences]
    if overview.judges:
        shown.append(f"verdicts     {sum(judge.counts.verdicts for judge in overview.judges):,}")
        shown += [f"  {judge.words()}" for judge in overview.judges]
    for batch in overview.batches:
        asked = f"{len(batch.requests):,} requests to {batch.model}, {batch.planned[:16]} UTC"
        shown.append(f"batch        {batch.batch or 'being sent'}: {asked}")
    if overview.batches:
        command = f"align judge --owner {overview.owner_id}"
        shown.append(f"  {command} takes it up; {command} --cancel-batches cancels it")
    if overview.packed:
        shown.append("packed       rows from another machine")
    shown.append(f"checkpoints  {', '.join(overview.checkpoints) or 'none'}")
    card = relative_to_root(overview.scorecard) if overview.scorecard else "none"
    shown.append(f"scorecard    {card}")
    command, why = next_command(overview)
    shown.append(f"next         {command}   ({why})")
    return shown


def _spelled(counts: Counter[str] | Counter[tuple[str, Split]]) -> str:
    if not counts:
        return "none"
    named = {" ".join(key) if isinstance(key, tuple) else key: n for key, n in counts.items()}
    return ", ".join(f"{n:,} {name}" for name, n in sorted(named.items()))
