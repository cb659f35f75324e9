"""A sampling before torch: the request, what of it is missing, and the report."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from sqlite3 import Connection
from typing import Any, NoReturn

from align.console import make_command, say
from align.conversations.prompts import add_bundled_prompts
from align.errors import UserError
from align.models.checkpoints import Checkpoint, resolve
from align.owner import load_owner
from align.paths import simulated_file
from align.preferences.choice_rows import record_pairs, replied_prompts
from align.sampling.pair_generation import draw_against_records, draw_pairs
from align.sampling.sampling_plan import (
    Plan,
    make_plan,
    plan_result,
    sampling_of,
    training_prompts,
    unanswered,
)
from align.store.connection import open_store

# A fictional owner never tires of choosing; a real one's pairs are drawn a round at a time.
PAIRS, DEMO_PAIRS = 300, 500
# Of an arena: enough to tell 60 % from one half.
ARENA_PAIRS = 100


@dataclass(frozen=True)
class SamplingRequest:
    """What the command line asks for; None stands for the default."""

    owner_id: str = "demo"  # whose model
    checkpoint: str | None = None  # base, sft, dpo, 002-dpo or a path; None for the newest
    pairs: int | None = None  # how many
    # Draw one answer a prompt that people asked, against the owner's reply.
    against_records: bool = False
    limit: int | None = None  # with against_records: how many prompts
    seed: int = 0  # of the prompts' order and of the answers
    temperature: float | None = None  # of the softmax
    top_p: float | None = None  # mass of the likeliest tokens that may be drawn
    max_new_tokens: int | None = None  # tokens of an answer at most
    near: float = 0.9  # similarity in [0, 1] from which two answers are drawn again
    batch_size: int = 192  # answers drawn at a time
    spread: bool = False  # whether one model is spread over the devices

    def words(self) -> list[str]:
        """Return the words after `-m align.sampling` that ask for the same."""
        words = []
        for field in fields(self):
            value = getattr(self, field.name)
            option = f"--{field.name.removesuffix('_id').replace('_', '-')}"
            if value is True:
                words.append(option)
            elif value is not None and value is not False:
                words.append(f"{option}={value}")
        return words

    @property
    def sampling_options(self) -> dict[str, Any]:
        """Return the settings of drawing; None where the checkpoint's own hold."""
        names = ("temperature", "top_p", "max_new_tokens")
        return {name: getattr(self, name) for name in names}


def parse_arguments(words: Sequence[str]) -> SamplingRequest:
    """Return what words after `-m align.sampling` ask for; UserError of a meaningless one."""
    parser = _Parser(prog="align.sampling", add_help=False, allow_abbrev=False)
    parser.add_argument("--owner", dest="owner_id")
    parser.add_argument("--checkpoint")
    parser.add_argument("--seed", type=int)
    for name in ("pairs", "limit", "max-new-tokens", "batch-size"):
        parser.add_argument(f"--{name}", type=_within(int, 1))
    parser.add_argument("--temperature", type=_within(float, 0))
    parser.add_argument("--top-p", type=_within(float, 0.01, 1))
    parser.add_argument("--near", type=_within(float, 0, 1))
    for name in ("against-records", "spread"):
        parser.add_argument(f"--{name}", action="store_true")
    options = vars(parser.parse_args(list(words)))
    return SamplingRequest(**{key: value for key, value in options.items() if value is not None})


@dataclass
class SamplingRun:
    """One sampling: the request, and how far it has come."""

    request: SamplingRequest  # the command line
    conn: Connection  # the owner's store
    plan: Plan  # what is to be drawn

    @property
    def checkpoint(self) -> Checkpoint:
        """Return whose answers are drawn."""
        return self.plan.checkpoint

    @property
    def missing(self) -> int:
        """Return how many answers are to be drawn, as far as is known before they are seen."""
        if self.request.against_records:
            return len(unanswered(self.plan))
        return 2 * len(self.plan.missing())

    def draw(self, model: Any) -> None:
        """Draw what is missing into the store; `model` has `LoadedModel.generate_each`."""
        how_many = self.missing if self.request.against_records else self.missing // 2
        what = "answers" if self.request.against_records else "pairs"
        say(f"Drawing {how_many:,} {what} from {self.checkpoint.name}.")
        draw = draw_against_records if self.request.against_records else draw_pairs
        draw(self.conn, model, self.plan, batch_size=self.request.batch_size)

    def report(self) -> None:
        """Print how many pairs there are, and what comes next."""
        if self.request.against_records:
            self._report_records()
            return
        result, owner_id = plan_result(self.plan), self.request.owner_id
        print(
            f"{result.pairs:,} pairs of {self.checkpoint.name}: {result.redrawn:,} drawn again,"
            f" {result.left_out:,} left out as empty or near-identical"
        )
        say(f"Next: {make_command('simulate' if simulated_file(owner_id) else 'label', owner_id)}")

    def _report_records(self) -> None:
        owner = load_owner(self.request.owner_id)
        pairs = len(record_pairs(self.conn, owner, self.checkpoint.hash))
        print(
            f"{pairs:,} pairs of a real reply and an answer of {self.checkpoint.name}, of"
            f" {len(replied_prompts(self.conn, owner)):,} prompts"
        )
        say(
            "They are off by default: labelling must beat them. To train on them: "
            f"align dpo --owner {self.request.owner_id} --against_records 1.0"
        )


def check_options(
    request: SamplingRequest,
    *,
    compare: tuple[str, str] | None = None,
    accelerate: str | None = None,
) -> None:
    """Refuse options that have no meaning together; UserError names the one to leave out."""
    if request.against_records:
        what = "it has no meaning with --against-records"
        refused = {"compare": compare, "pairs": request.pairs}
    else:
        what = "it has no meaning without --against-records"
        refused = {"limit": request.limit}
    reasons = {name: what for name, value in refused.items() if value is not None}
    if compare is not None:
        if request.checkpoint is not None:
            reasons["checkpoint"] = "--compare names both twins"
        # One process draws an arena, from two checkpoints.
        alone = {"accelerate": accelerate, "spread": request.spread or None}
        reasons |= {name: "not with --compare" for name, value in alone.items() if value}
    for name, reason in reasons.items():
        raise UserError(f"--{name}", reason, f"Leave --{name} out")


def prepare(request: SamplingRequest) -> SamplingRun:
    """Return a request's run, all checked without torch; UserError: no checkpoint, or no prompt."""
    check_options(request)
    if request.against_records:
        return _against_records(request)
    checkpoint = resolve(request.owner_id, request.checkpoint)
    conn = open_store(request.owner_id)
    wanted = request.pairs or (DEMO_PAIRS if simulated_file(request.owner_id) else PAIRS)
    if len(training_prompts(conn)) < wanted:
        add_bundled(conn, request.owner_id)
    plan = make_plan(
        conn, checkpoint, pairs=wanted, seed=request.seed,
        settings=_settings(request, checkpoint), threshold=request.near,
    )  # fmt: skip
    if not plan.slots:
        remedy = f"Run: align prompts add FILE --owner {request.owner_id}"
        raise UserError(f"owner {request.owner_id!r}", "no prompts", remedy)
    return SamplingRun(request, conn, plan)


def _against_records(request: SamplingRequest) -> SamplingRun:
    checkpoint, owner = (
        resolve(request.owner_id, request.checkpoint or "sft"),
        load_owner(request.owner_id),
    )
    conn = open_store(request.owner_id)
    prompts = [prompt for prompt, _ in replied_prompts(conn, owner)]
    if not prompts:
        what = "nothing that people asked and was answered, on the training side"
        remedy = f"Run: align prompts from-records --owner {request.owner_id}"
        raise UserError(f"owner {request.owner_id!r}", what, remedy)
    plan = make_plan(
        conn, checkpoint, prompts=prompts, pairs=min(request.limit or len(prompts), len(prompts)),
        seed=request.seed, settings=_settings(request, checkpoint),
    )  # fmt: skip
    return SamplingRun(request, conn, plan)


def _settings(request: SamplingRequest, checkpoint: Checkpoint) -> Any:
    return sampling_of(checkpoint.sampling, **request.sampling_options)


def add_bundled(conn: Connection, owner_id: str) -> None:
    """Add the prompts that come with the toolkit, and say how many were new."""
    added = add_bundled_prompts(conn, load_owner(owner_id).held_out)
    if added.new:
        say(f"Added {added.new:,} prompts that come with the toolkit.")


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
