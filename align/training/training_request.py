"""What a command line asks of a training, and the words after `-m align.sft` that ask it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from align.errors import UserError


@dataclass(frozen=True)
class Fit:
    """What a budget of minutes leaves of a run."""

    minutes: float
    epochs: float
    share: float  # of the rows, those for training and those held out


@dataclass(frozen=True)
class TrainingRequest:
    """What the command line asks for."""

    stage: str  # `sft` or `dpo`
    owner_id: str = "demo"
    # A recipe's name, or a path to its file; empty where nobody said one.
    recipe: str = ""
    dataset: str | None = None  # a rows file that is trained on instead of the owner's store
    checkpoint: str = "sft"  # of dpo: where it starts from, which is also the reference
    overrides: tuple[str, ...] = ()  # words like `--learning_rate 1e-5`
    restart: bool = False  # whether a stopped run is left, and this one begins anew
    minutes: float | None = None  # what epochs, then rows, are to be cut to
    fit: Fit | None = None  # what that came to, once it is known

    @property
    def words(self) -> list[str]:
        """Return the words after `align` that ask the same, accelerate's file apart."""
        words = [self.stage, "--owner", self.owner_id]
        words += ["--recipe", self.recipe] if self.recipe else []
        words += ["--dataset", self.dataset] if self.dataset else []
        words += ["--checkpoint", self.checkpoint] if self.checkpoint != "sft" else []
        words += ["--minutes", f"{self.minutes:g}"] if self.minutes else []
        return [*words, *self.overrides, *(["--restart"] if self.restart else [])]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(self.prog, message)


def parse_request(stage: str, words: Sequence[str]) -> TrainingRequest:
    """Return what the words after `-m align.sft` ask for; what is not ours goes to the recipe.

    `--config` and `--recipe` are the same; `--key=value` and `--key value` too. UserError: an
    option of ours has no value.
    """
    parser = _Parser(f"align.{stage}", add_help=False, allow_abbrev=False)
    for names in (["--owner"], ["--recipe", "--config"], ["--dataset"], ["--checkpoint"]):
        parser.add_argument(*names, nargs="?", default=argparse.SUPPRESS)
    parser.add_argument("--restart", action="store_true")
    known, overrides = parser.parse_known_args(words)
    values = vars(known)
    for key, value in values.items():
        if value is None:
            option = f"--{key}" if f"--{key}" in words else "--config"
            raise UserError(option, "no value after it", f"Say {option} VALUE")
    values["owner_id"] = values.pop("owner", "demo")
    values["dataset"] = values.get("dataset") or None
    return TrainingRequest(stage, overrides=tuple(overrides), **values)
