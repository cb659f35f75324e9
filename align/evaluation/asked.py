"""What an evaluation is asked to do: which checkpoints, prompts and seeds, held against what."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from align.conversations.examples.example_rows import REWRITE
from align.conversations.prompts import add_bundled_prompts
from align.errors import UserError
from align.evaluation.demo_anchors import simulated_file, with_demo_world
from align.evaluation.neutral import neutral_conversations
from align.evaluation.owner_texts import writing_of, writing_of_conversations
from align.evaluation.reference_texts import Anchors
from align.files import read_jsonl
from align.levels import Level
from align.models.checkpoints import Checkpoint, resolve
from align.owner import load_owner
from align.paths import owner_dir
from align.sampling import Sampling, sampling_of, training_prompts
from align.store.ids import content_id
from align.store.prompts import Prompt, iter_prompts
from align.store.records import iter_records

# Fewer prompts than this say next to nothing: the interval is wider than any difference.
FEW_PROMPTS = 20
# What the base answers to training prompts, for the judge's other side.
BASE_ANSWERS = 120
OWNER_TEXTS = 120
_OPEN: tuple[Level, ...] = ("open", "train-only")
# Raised when a measure changes, so that old scorecards are not taken for new ones.
MEASURES = 2


@dataclass(frozen=True)
class Asked:
    """What an evaluation is asked to do; columns are the words that the user said."""

    owner: str
    checkpoints: dict[str, Checkpoint]
    prompts: tuple[Prompt, ...]
    seeds: tuple[int, ...]
    settings: Sampling
    judge_prompts: tuple[Prompt, ...]
    anchors: Anchors

    @property
    def inputs(self) -> str:
        """Return a digest of all that decides the scorecard."""
        own = [*self.anchors.owner.all, *self.anchors.held_out.all]
        return content_id(
            MEASURES,
            [[word, c.hash] for word, c in self.checkpoints.items()],
            [prompt.id for prompt in self.prompts],
            list(self.seeds),
            self.settings.as_dict(),
            [prompt.id for prompt in self.judge_prompts],
            [content_id(written.text) for written in own],
            self.anchors.kind,
            content_id(*self.anchors.own_register),
        )


def resolved(owner: str, words: Sequence[str]) -> dict[str, Checkpoint]:
    """Return the checkpoints that words name; none named: base, and the newest of each stage.

    Raises:
        UserError: There is no twin at all, or not the one that was named.
    """
    if words:
        return {word: resolve(owner, word) for word in dict.fromkeys(words)}
    found = {"base": resolve(owner, "base")}
    for stage in ("sft", "dpo"):
        try:
            found[stage] = resolve(owner, stage)
        except UserError:
            continue
    # A twin whose parent isn't the newest SFT is compared with the one it grew from.
    lineage = found["dpo"].lineage if "dpo" in found else None
    if lineage is not None and lineage.parent and "sft" in found:
        parent = lineage.parent
        if parent["hash"] != found["sft"].hash:
            found["sft"] = resolve(owner, parent["name"])
    return found


def ask(
    conn: sqlite3.Connection,
    owner: str,
    checkpoints: dict[str, Checkpoint],
    *,
    prompts: int | None,
    seeds: Sequence[int] = (0,),
    settings: Sampling,
) -> Asked:
    """Return what is to be evaluated.

    Raises:
        UserError: There are no held-out prompts, or no writing of the owner's to compare with.
    """
    held_out = _held_out(conn)
    if len(held_out) < FEW_PROMPTS:
        add_bundled_prompts(conn, load_owner(owner).held_out)
        held_out = _held_out(conn)
    if not held_out:
        raise UserError(
            f"owner {owner!r}",
            "no held-out prompts",
            f"Add some: align prompts add FILE --owner {owner}",
        )
    anchors = anchors_of(conn, owner)
    if len(anchors.owner.all) < 2:
        raise UserError(
            f"owner {owner!r}",
            "no writing in the store to compare with",
            f"Evaluate where the writing is, or run: make ingest OWNER={owner} FROM=~/my-writing",
        )
    return Asked(
        owner,
        checkpoints,
        tuple(held_out[:prompts]),
        tuple(seeds),
        settings,
        tuple(training_prompts(conn)[:BASE_ANSWERS]),
        anchors,
    )


def _held_out(conn: sqlite3.Connection) -> list[Prompt]:
    # Who one is, is known by heart: that is not how one writes.
    found = iter_prompts(conn, split="evaluation", levels=_OPEN)
    return [prompt for prompt in found if prompt.source != "identity"]


def anchors_of(conn: sqlite3.Connection, owner: str) -> Anchors:
    """Return what the owner's twins are held against."""
    settings = load_owner(owner).conversations
    anchors = Anchors(
        writing_of(iter_records(conn, split="train", include_left_out=True), settings),
        writing_of(iter_records(conn, split="evaluation", include_left_out=True), settings),
        neutral=neutral_conversations(),
    )
    if not anchors.owner.all:
        anchors = _packed(anchors, owner)
    path = simulated_file(owner)
    return anchors if path is None else with_demo_world(anchors, path)


def _packed(anchors: Anchors, owner: str) -> Anchors:
    """Return anchors with what a pack brought of the owner's writing: the store has no records."""
    path = owner_dir(owner) / "packed" / "sft-rows.jsonl"
    if not path.is_file():
        return anchors
    found = (row for _, row in read_jsonl(path))
    rows = [row for row in found if row.get("source") not in ("identity", REWRITE)]
    kept = (row["messages"] for row in rows if row.get("split") != "held_out")
    tried = (row["messages"] for row in rows if row.get("split") == "held_out")
    return replace(
        anchors,
        owner=writing_of_conversations(kept),
        held_out=writing_of_conversations(tried),
    )


def sampling_settings(checkpoints: dict[str, Checkpoint], **options: Any) -> Sampling:
    """Return one setting for all: the newest twin's own, with the command line's over it."""
    known = [each.sampling for each in checkpoints.values() if each.sampling]
    return sampling_of(known[-1] if known else {}, **options)
