"""A sampling before torch: what is asked, what of it is missing, and what it came to."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from sqlite3 import Connection
from typing import Any, NoReturn

from align.console import make_command, say
from align.conversations.prompts import add_bundled_prompts
from align.errors import UserError
from align.models.checkpoints import Checkpoint, newest, resolve
from align.owner import load_owner
from align.paths import owner_dir
from align.preferences.preference_rows import record_pairs, replied_prompts
from align.sampling.pair_generation import draw_against_records, draw_pairs
from align.sampling.sampling_plan import (
    Plan,
    drawn,
    make_plan,
    sampling_of,
    training_prompts,
    unanswered,
)
from align.store.connection import open_store

# A fictional owner never tires of choosing; a real one's pairs are drawn a round at a time.
PAIRS, DEMO_PAIRS = 300, 500


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; None is the default's place.

    Attributes:
        owner: Whose twin.
        checkpoint: base, sft, dpo, 002-dpo or a path; None for the newest twin.
        pairs: How many.
        against_records: Draw one answer a prompt that people asked, against the owner's reply.
        limit: With against_records: how many prompts.
        seed: Of the prompts' order and of the answers.
        temperature: Of the softmax.
        top_p: Mass of the likeliest tokens that may be drawn.
        max_new_tokens: Tokens of an answer at most.
        near: Similarity in [0, 1] from which two answers are drawn again.
        batch_size: Answers drawn at a time.
        spread: Whether one model is spread over the devices.
    """

    owner: str = "demo"
    checkpoint: str | None = None
    pairs: int | None = None
    against_records: bool = False
    limit: int | None = None
    seed: int = 0
    temperature: float | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None
    near: float = 0.9
    batch_size: int = 192
    spread: bool = False

    def words(self) -> list[str]:
        """Return the words after `-m align.sampling` that ask for the same."""
        found = []
        for each in fields(self):
            value = getattr(self, each.name)
            option = f"--{each.name.replace('_', '-')}"
            if value is True:
                found.append(option)
            elif value is not None and value is not False:
                found.append(f"{option}={value}")
        return found


def parse_arguments(words: Sequence[str]) -> Asked:
    """Return what the words after `-m align.sampling` ask for.

    Raises:
        UserError: A word is not known, or has a value that means nothing.
    """
    parser = _Parser(prog="align.sampling", add_help=False, allow_abbrev=False)
    for name in ("owner", "checkpoint"):
        parser.add_argument(f"--{name}", type=str)
    parser.add_argument("--seed", type=int)
    for name in ("pairs", "limit", "max-new-tokens", "batch-size"):
        parser.add_argument(f"--{name}", type=_within(int, 1))
    parser.add_argument("--temperature", type=_within(float, 0))
    parser.add_argument("--top-p", type=_within(float, 0.01, 1))
    parser.add_argument("--near", type=_within(float, 0, 1))
    for name in ("against-records", "spread"):
        parser.add_argument(f"--{name}", action="store_true")
    said = vars(parser.parse_args(list(words)))
    return Asked(**{key: value for key, value in said.items() if value is not None})


@dataclass
class Run:
    """One sampling: what is asked, and how far it has come.

    Attributes:
        asked: The command line.
        conn: The owner's store.
        plan: What is to be drawn.
    """

    asked: Asked
    conn: Connection
    plan: Plan

    @property
    def checkpoint(self) -> Checkpoint:
        """Return whose answers are drawn."""
        return self.plan.checkpoint

    @property
    def missing(self) -> int:
        """Return how many answers want drawing, as far as is known before they are seen."""
        if self.asked.against_records:
            return len(unanswered(self.plan))
        return 2 * len(self.plan.missing())

    def draw(self, twin: Any) -> None:
        """Draw what is missing into the store; `twin` has `LoadedModel.generate_each`."""
        how_many = self.missing if self.asked.against_records else self.missing // 2
        what = "answers" if self.asked.against_records else "pairs"
        say(f"Drawing {how_many:,} {what} from {self.checkpoint.name}.")
        draw = draw_against_records if self.asked.against_records else draw_pairs
        draw(self.conn, twin, self.plan, batch_size=self.asked.batch_size)

    def report(self) -> None:
        """Print what the plan came to, and what comes next."""
        if self.asked.against_records:
            self._report_records()
            return
        result, owner = drawn(self.plan), self.asked.owner
        print(
            f"{result.pairs:,} pairs of {self.checkpoint.name}: {result.redrawn:,} drawn again,"
            f" {result.left_out:,} left out as empty or near-identical"
        )
        say(f"Next: {make_command('simulate' if _is_simulated(owner) else 'label', owner)}")

    def _report_records(self) -> None:
        owner = load_owner(self.asked.owner)
        pairs = len(record_pairs(self.conn, owner, self.checkpoint.hash))
        print(
            f"{pairs:,} pairs of a real reply and an answer of {self.checkpoint.name}, of"
            f" {len(replied_prompts(self.conn, owner)):,} prompts"
        )
        say(
            "They are off by default: labelling must beat them. To train on them: "
            f"align dpo --owner {self.asked.owner} --against_records 1.0"
        )


def prepare(asked: Asked) -> Run:
    """Return the sampling that is asked for, with everything checked that needs no torch.

    Raises:
        UserError: There is no such twin, no store, or nothing to ask.
    """
    conn: Connection
    if asked.against_records:
        return _against_records(asked)
    if asked.limit is not None:
        _refuse("limit", "without")
    found = newest(asked.owner)
    checkpoint = resolve(asked.owner, asked.checkpoint or (found.name if found else "sft"))
    conn = open_store(asked.owner)
    wanted = asked.pairs or (DEMO_PAIRS if _is_simulated(asked.owner) else PAIRS)
    if len(training_prompts(conn)) < wanted:
        added = add_bundled_prompts(conn, load_owner(asked.owner).held_out)
        if added.new:
            say(f"Added {added.new:,} prompts that come with the toolkit.")
    plan = make_plan(
        conn, checkpoint, pairs=wanted, seed=asked.seed,
        settings=_settings(asked, checkpoint), threshold=asked.near,
    )  # fmt: skip
    if not plan.slots:
        remedy = f"Run: align prompts add FILE --owner {asked.owner}"
        raise UserError(f"owner {asked.owner!r}", "no prompts", remedy)
    return Run(asked, conn, plan)


def _against_records(asked: Asked) -> Run:
    if asked.pairs is not None:
        _refuse("pairs", "with")
    checkpoint, owner = resolve(asked.owner, asked.checkpoint or "sft"), load_owner(asked.owner)
    conn = open_store(asked.owner)
    prompts = [prompt for prompt, _ in replied_prompts(conn, owner)]
    if not prompts:
        what = "nothing that people asked and was answered, on the training side"
        remedy = f"Run: align prompts from-records --owner {asked.owner}"
        raise UserError(f"owner {asked.owner!r}", what, remedy)
    plan = make_plan(
        conn, checkpoint, prompts=prompts, pairs=min(asked.limit or len(prompts), len(prompts)),
        seed=asked.seed, settings=_settings(asked, checkpoint),
    )  # fmt: skip
    return Run(asked, conn, plan)


def _settings(asked: Asked, checkpoint: Checkpoint) -> Any:
    return sampling_of(
        checkpoint.sampling,
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_new_tokens=asked.max_new_tokens,
    )


def _is_simulated(owner: str) -> bool:
    return (owner_dir(owner) / "simulated.json").is_file()


def _refuse(option: str, how: str) -> NoReturn:
    what = f"it has no meaning {how} --against-records"
    raise UserError(f"--{option}", what, f"Leave --{option} out")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError("align.sampling", message, "See: align sample --help")


def _within(kind: type, least: float, most: float | None = None) -> Callable[[str], Any]:
    def number(word: str) -> Any:
        value = kind(word)
        if not least <= value or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{word} is not in its range")
        return value

    return number
