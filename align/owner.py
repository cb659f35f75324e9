"""An owner's settings, `data/<owner>/owner.yaml`: name, facts, rubric, privacy."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from align.errors import UserError
from align.files import write_atomically
from align.levels import DEFAULT_LEVELS, LEVELS, Level
from align.paths import owner_dir, relative_to_root


class Owner(BaseModel):
    """The settings of one owner; what the file leaves out has a default.

    Attributes:
        name: What the owner is called.
        aliases: Other names the owner goes by.
        facts: A question, and the answer in the owner's words.
        rubric: What the owner's voice is, for a judge.
        held_out: Share of the threads that is kept for evaluation; decided when a thread is
            first seen, so a later change touches new threads only.
        privacy: A source's level, where it is not the default.
        names: Names of other people, to be taken out of what leaves the machine.
        keys: The labeler's keys, by action; `labeler.keys` says what may stand there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    aliases: list[str] = []
    facts: dict[str, str] = {}
    rubric: str = ""
    held_out: float = Field(default=0.1, ge=0.0, lt=1.0)
    privacy: dict[str, Level] = {}
    names: list[str] = []
    keys: dict[str, Any] = {}

    @field_validator("privacy")
    @classmethod
    def _known_sources(cls, privacy: dict[str, Level]) -> dict[str, Level]:
        for source in privacy:
            if source not in DEFAULT_LEVELS:
                raise ValueError(f"unknown source {source!r}{_suggestion(source, DEFAULT_LEVELS)}")
        return privacy

    def level_of(self, source: str) -> Level:
        """Return the level that records of a source start with."""
        return self.privacy.get(source, DEFAULT_LEVELS[source])


def owner_file(owner: str) -> Path:
    """Return the path of owner.yaml, which may not exist."""
    return owner_dir(owner) / "owner.yaml"


def load_owner(owner: str) -> Owner:
    """Return the owner's settings; without a file, the defaults.

    Raises:
        UserError: The file is no YAML, or holds unknown keys or wrong values: all in one line.
    """
    path = owner_file(owner)
    if not path.is_file():
        return Owner(name=owner.replace("-", " ").replace("_", " ").title())
    where = relative_to_root(path)
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "cannot be read"
        raise UserError(f"{where}{line}", f"not YAML ({what})", "Mend that line") from None
    except UnicodeDecodeError:
        raise UserError(where, "not UTF-8 text", "Save it as UTF-8") from None
    if not isinstance(values, dict):
        raise UserError(where, "no settings in it", "Write at least `name: ...`")
    return parse_owner(values, where)


def parse_owner(values: dict[str, Any], where: str) -> Owner:
    """Return settings from plain values; `where` names their place in errors.

    Raises:
        UserError: All that is wrong, in one line.
    """
    try:
        return Owner.model_validate(values)
    except ValidationError as error:
        raise UserError(where, "; ".join(_explain(e) for e in error.errors())) from None


def write_default_owner(owner: str) -> Path:
    """Write owner.yaml with the defaults and what each key means, unless it exists."""
    path = owner_file(owner)
    if not path.exists():
        name = load_owner(owner).name
        write_atomically(path, _DEFAULT.format(name=name), mode=0o600)
    return path


_DEFAULT = """\
# What the toolkit knows of you. Nothing here leaves this machine but in a pack of yours.
name: {name}
# aliases: [nickname]
# facts:                      # a question, and your answer in your own words
#   Where do you live?: In a small town by the sea.
# rubric: |                   # what makes a text sound like you
#   Short sentences. Dry.
# held_out: 0.1               # share of your writing kept apart for evaluation
# privacy:                    # {sources}: {levels}
#   messages: train-only
# names: [Bob]                # people whose names are taken out of what leaves the machine
# keys:                       # of the labeler; `?` there lists them
#   left: [h, left]
#   neither: ["n"]            # in quotes: a bare n means "no" to YAML
""".replace("{sources}", ", ".join(DEFAULT_LEVELS)).replace("{levels}", " | ".join(LEVELS))


def _explain(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_suggestion(place, Owner.model_fields)}"
    if error["type"] == "missing":
        return f"key {place!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message[:1].lower()}{message[1:]}"


def _suggestion(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f". Did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})"
