"""The owner's choices that a judge may see: its examples, and what it is measured on."""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from align.choices.verdicts import Side
from align.errors import UserError
from align.judging.calibration import FOLDS, fold_of
from align.judging.eligibility import Eligibility
from align.judging.gate import MINIMUM
from align.judging.owner_context import choose_examples
from align.judging.protocol import Example, OwnerContext, OwnerProfile
from align.preferences.preference import side_of
from align.recipe.recipe_keys import DEFAULTS
from align.store.acts import owner_decisions
from align.store.choices import decisive_pairs, simulated_repeats
from align.store.ids import canonical_json

# More choices than this narrow the interval by little, and cost as much.
MEASURED = 400

OwnerContexts = dict[int | None, OwnerContext]


@dataclass(frozen=True)
class CalibrationSet:
    """The owner's decisive choices that a judge may see."""

    examples: tuple[Example, ...]  # ordered by time
    # answers as before, and pairs asked again; None where none was
    self_agreement: tuple[int, int] | None

    @property
    def digest(self) -> str:
        """Return a name for what was chosen."""
        chosen = sorted((example.comparison.pair_id, example.winner) for example in self.examples)
        return hashlib.sha256(canonical_json(chosen).encode()).hexdigest()[:16]

    def measured(self, most: int = MEASURED) -> list[Example]:
        """Return the choices that a judge is measured on: of many, a lot that chance draws."""

        def drawn(example: Example) -> str:
            # By the pair alone: with more choices most of the lot stays, and is not paid again.
            return hashlib.sha256(f"measured {example.comparison.pair_id}".encode()).hexdigest()

        return sorted(self.examples, key=drawn)[:most]

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
        prompts = {example.comparison.prompt_id for example in self.examples}
        held_out = DEFAULTS["dpo"]["held_out"]
        shown = {p for p in prompts if fold_of(p) != fold and side_of(p, held_out) == "train"}
        return [example for example in self.examples if example.comparison.prompt_id in shown]


def load_calibration_set(conn: sqlite3.Connection, eligibility: Eligibility) -> CalibrationSet:
    """Return the choices between the two answers of a pair, as far as a judge may see them."""
    examples = []
    for choice, pair in decisive_pairs(conn):
        # A rewrite beats both answers, and says nothing of which is better.
        if pair.split != "train" or choice.outcome == "rewrite":
            continue
        comparison = eligibility.comparison(pair)
        if comparison is not None:
            winner: Side = "a" if choice.outcome == "a" else "b"
            examples.append(Example(comparison, winner, choice.time))
    examples.sort(key=lambda example: (example.time, example.comparison.pair_id))
    return CalibrationSet(tuple(examples), _self_agreement(conn))


def check_enough(choices: CalibrationSet, owner_id: str, kept_back: Counter[str]) -> None:
    """Refuse (UserError) to measure on fewer than `MINIMUM` choices: none could pass."""
    missing = MINIMUM - len(choices.examples)
    if missing <= 0:
        return
    why = ", ".join(f"{n:,} {reason}" for reason, n in sorted(kept_back.items()))
    raise UserError(
        f"owner {owner_id!r}",
        f"{len(choices.examples):,} choices between two answers that a judge may see"
        + (f" (kept back: {why})" if why else "")
        + f", and {MINIMUM} are needed to measure one",
        f"Choose of {missing} more pairs: make label OWNER={owner_id}",
    )


def _self_agreement(conn: sqlite3.Connection) -> tuple[int, int] | None:
    """Return how often the owner, real or simulated, answered as before when asked again."""
    agrees = [act.agrees for act in owner_decisions(conn) if act.agrees is not None]
    agrees += [first == second for first, second in simulated_repeats(conn).values()]
    return (sum(agrees), len(agrees)) if agrees else None
