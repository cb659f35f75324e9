"""The owner's choices that a judge may see: its examples, and what it is measured on."""

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from align.choices.verdicts import Side
from align.errors import UserError
from align.judging.calibration import FOLDS, fold_of
from align.judging.eligibility import Eligibility
from align.judging.gate import MEASURED, MINIMUM
from align.judging.owner_context import choose_examples
from align.judging.protocol import Example, OwnerContext, OwnerProfile
from align.preferences.preference import side_of
from align.recipe.recipe_keys import DEFAULTS
from align.store.choices import decisive_pairs, repeats
from align.store.ids import canonical_json

OwnerContexts = dict[int | None, OwnerContext]
_WINNERS: dict[str, Side] = {"a": "a", "b": "b"}


@dataclass(frozen=True)
class CalibrationSet:
    """The owner's choices that a judge may see."""

    examples: tuple[Example, ...]  # ordered by time
    repeats: tuple[tuple[str, bool], ...] = ()  # pairs asked again: whether answered as before

    def by_checkpoint(self) -> dict[str, list[Example]]:
        """Return the choices by what drew the pairs: each has its own strengths and faults."""
        drawn: defaultdict[str, list[Example]] = defaultdict(list)
        for example in self.examples:
            drawn[example.drawn_by].append(example)
        return drawn

    def measured(self, most: int = MEASURED) -> dict[str, list[Example]]:
        """Return the choices that a judge is measured on: of many, a lot that chance draws.

        Checkpoints with fewer than `MINIMUM` winners are left out: none could pass.
        """

        def lot(example: Example) -> str:
            # By the pair alone: with more choices most of the lot stays, and is not paid again.
            return hashlib.sha256(f"measured {example.comparison.pair_id}".encode()).hexdigest()

        return {
            drawn_by: sorted(examples, key=lot)[:most]
            for drawn_by, examples in self.by_checkpoint().items()
            if winners(examples) >= MINIMUM
        }

    def contexts(self, profile: OwnerProfile, count: int) -> OwnerContexts:
        """Return what each fold's questions share and, under None, what other pairs' do.

        A fold is judged with examples of the other folds only, so that every choice both teaches
        and measures. What measures the training is no example: through the verdicts that it
        helped to make, it would be trained on.
        """
        folds: list[int | None] = [*range(FOLDS), None]
        return {
            fold: OwnerContext(profile, choose_examples(self._outside(fold), count))
            for fold in folds
        }

    def _outside(self, fold: int | None) -> Sequence[Example]:
        decided = [example for example in self.examples if example.winner is not None]
        prompts = {example.comparison.prompt_id for example in decided}
        held_out = DEFAULTS["dpo"]["held_out"]
        shown = {p for p in prompts if fold_of(p) != fold and side_of(p, held_out) == "train"}
        return [example for example in decided if example.comparison.prompt_id in shown]


def load_calibration_set(conn: sqlite3.Connection, eligibility: Eligibility) -> CalibrationSet:
    """Return the choices of two answers, as far as a judge may see them.

    A rewrite beats both answers, and says nothing of which is better.
    """
    examples = []
    for choice, pair in decisive_pairs(conn, ("a", "b", "both", "neither")):
        if pair.split != "train":
            continue
        comparison = eligibility.comparison(pair)
        if comparison is not None:
            example = Example(comparison, _WINNERS.get(choice.outcome), choice.time)
            is_imported = choice.actor == "imported"
            examples.append(replace(example, drawn_by=pair.drawn_by, is_imported=is_imported))
    examples.sort(key=lambda example: (example.time, example.comparison.pair_id))
    return CalibrationSet(tuple(examples), tuple(repeats(conn)))


def winners(examples: Iterable[Example]) -> int:
    """Return how many choices have a winner."""
    return sum(example.winner is not None for example in examples)


def digest(examples: Iterable[Example]) -> str:
    """Return a name for what was chosen."""
    chosen = sorted((example.comparison.pair_id, example.winner or "") for example in examples)
    return hashlib.sha256(canonical_json(chosen).encode()).hexdigest()[:16]


def check_enough(choices: CalibrationSet, owner_id: str, kept_back: Counter[str]) -> None:
    """Refuse (UserError) to measure on fewer than `MINIMUM` choices: none could pass."""
    by_checkpoint = choices.by_checkpoint().values()
    most = max(map(winners, by_checkpoint), default=0)
    if most >= MINIMUM:
        return
    of_one = ", of pairs that one checkpoint drew" if len(by_checkpoint) > 1 else ""
    why = ", ".join(f"{n:,} {reason}" for reason, n in sorted(kept_back.items()))
    raise UserError(
        f"owner {owner_id!r}",
        f"{most:,} choices with a winner that a judge may see{of_one}"
        f"{f' (kept back: {why})' if why else ''}, and {MINIMUM} are needed to measure one",
        f"Choose of {MINIMUM - most} more pairs: make label OWNER={owner_id}",
    )
