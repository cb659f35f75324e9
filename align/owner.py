"""An owner's settings, `data/<owner>/owner.yaml`: name, facts, rubric, privacy."""

import difflib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from align.errors import UserError
from align.files import write_atomically
from align.levels import DEFAULT_LEVELS, LEVELS, Level
from align.paths import owner_dir, relative_to_root

# Rows that are made of no record's source alone.
_MADE = ("questions", "plain", "rewrite", "identity")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Cleaning(_Settings):
    """What is left out of training; `align ingest` reports it, `align records` shows it."""

    shortest_words: int = Field(default=2, ge=0)  # messages of fewer words carry no voice
    languages: list[str] = []  # two-letter codes of what the owner writes in; empty takes any
    # Two texts of this likeness (Jaccard, of word shingles) are one, 0 to 1; 1 keeps all but exact
    # copies.
    near_duplicate: float = Field(default=0.8, gt=0.0, le=1.0)
    # A chat message of more words is looked at as something pasted.
    longest_message: int = Field(default=300, ge=1)


class Conversations(_Settings):
    """How messages become conversations.

    Attributes:
        silence_hours: A chat that is silent for longer begins a new conversation.
        burst_minutes: What one person writes within this time of the message before belongs to
            one turn; what comes later is not learned as part of it.
        join: What stands between the messages of a turn: `marker` keeps them apart, so that a
            twin writes several messages too; `newline` makes one message of them.
    """

    silence_hours: float = Field(default=3.0, gt=0.0)
    burst_minutes: float = Field(default=30.0, ge=0.0)
    join: Literal["marker", "newline"] = "marker"


class Owner(_Settings):
    """The settings of one owner; what the file leaves out has a default."""

    name: str = Field(min_length=1)  # what the owner is called
    aliases: list[str] = []  # other names the owner goes by
    facts: dict[str, str] = {}  # a question, and the answer in the owner's words
    rubric: str = ""  # what the owner's voice is, for a judge
    # Share of the threads that is kept for evaluation; decided when a thread is first seen, so a
    # later change touches new threads only.
    held_out: float = Field(default=0.1, ge=0.0, lt=1.0)
    # `newest` holds out what was written last, `chance` any of it.
    held_out_by: Literal["newest", "chance"] = "newest"
    privacy: dict[str, Level] = {}  # a source's level, where it is not the default
    # Names of other people, replaced in what is trained on and in what leaves the machine.
    names: list[str] = []
    cleaning: Cleaning = Cleaning()  # what is left out of training
    conversations: Conversations = Conversations()  # how messages become conversations
    # How often a source's rows are learned, where not once: 0 leaves it out, 2 is twice.
    mix: dict[str, float] = {}
    # The labeler's keys, by action; `labeler.keys` says what may stand there.
    keys: dict[str, Any] = {}

    @field_validator("privacy", "mix")
    @classmethod
    def _known_sources(cls, by_source: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        known = [*DEFAULT_LEVELS, *(_MADE if info.field_name == "mix" else ())]
        for source in by_source:
            if source not in known:
                raise ValueError(f"unknown source {source!r}{_suggestion(source, known)}")
        return by_source

    @field_validator("mix")
    @classmethod
    def _no_less_than_nothing(cls, mix: dict[str, float]) -> dict[str, float]:
        for source, times in mix.items():
            if not 0 <= times <= 100:
                raise ValueError(f"{source} is learned {times} times: 0 to 100 can be said")
        return mix

    @property
    def language(self) -> str:
        """The language that the owner writes in first; English where nothing is said."""
        return self.cleaning.languages[0] if self.cleaning.languages else "en"

    def level_of(self, source: str) -> Level:
        """Return the level that records of a source start with."""
        return self.privacy.get(source, DEFAULT_LEVELS[source])


def owner_file(owner_id: str) -> Path:
    """Return the path of owner.yaml, which may not exist."""
    return owner_dir(owner_id) / "owner.yaml"


def load_owner(owner_id: str) -> Owner:
    """Return the owner's settings; without a file, the defaults.

    Raises:
        UserError: The file is no YAML, or holds unknown keys or wrong values: all in one line.
    """
    path = owner_file(owner_id)
    if not path.is_file():
        return Owner(name=owner_id.replace("-", " ").replace("_", " ").title())
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
    try:
        return Owner.model_validate(values)
    except ValidationError as error:
        raise UserError(where, "; ".join(_explain(e) for e in error.errors())) from None


def write_default_owner(owner_id: str, names: Iterable[str] = ()) -> Path:
    """Write owner.yaml with the defaults and what each key means, unless it exists.

    The owner is called by the first of `names` that is no address or number, else by the id.
    """
    path = owner_file(owner_id)
    if not path.exists():
        called = (name for name in names if "@" not in name and any(map(str.isalpha, name)))
        name = next(called, load_owner(owner_id).name)
        text = _DEFAULT.format(name=json.dumps(name, ensure_ascii=False))
        write_atomically(path, text, mode=0o600)
    return path


def remember_aliases(owner_id: str, names: Iterable[str]) -> list[str]:
    """Write names into the aliases of owner.yaml, so that they need not be said again.

    Returns the names that it could not write, since the file spells its aliases in another way.
    """
    names = list(dict.fromkeys(filter(None, map(str.strip, names))))
    path = write_default_owner(owner_id, names)
    owner = load_owner(owner_id)
    known = {name.casefold() for name in (owner.name, *owner.aliases)}
    new = [name for name in names if name.casefold() not in known]
    if not new:
        return []
    line = f"aliases: {json.dumps([*owner.aliases, *new], ensure_ascii=False)}"
    text = path.read_text("utf-8")
    # Only the one line is touched: the file is the user's, with comments of their own.
    written, count = re.subn(
        r"(?m)^(?:# )?aliases:[ \t]*\[.*\][ \t]*$", lambda _: line, text, count=1
    )
    if not count and not re.search(r"(?m)^aliases:", text):
        written, count = f"{text.rstrip()}\n{line}\n", 1
    if not count:
        return new
    write_atomically(path, written, mode=0o600)
    load_owner(owner_id)
    return []


_DEFAULT = """\
# What the toolkit knows of you. It leaves this machine in a pack of yours, and name, facts and
# rubric go to a judge, if you agree to that once.
name: {name}
# aliases: [nickname]
# facts:                      # a question, and your answer in your own words
#   Where do you live?: In a small town by the sea.
# rubric: |                   # what makes a text sound like you
#   Short sentences. Dry.
# held_out: 0.1               # share of your writing kept apart for evaluation
# held_out_by: newest         # or chance: what was written last is held out, or any of it
# cleaning:                   # what is left out of training
#   shortest_words: 2
#   languages: [en]           # empty: any
#   near_duplicate: 0.8       # 1: only exact copies
# conversations:              # how messages become conversations
#   silence_hours: 3
#   burst_minutes: 30
#   join: marker              # or newline: several messages in a row become one
# mix:                        # how often a source is learned: 0 leaves it out, 2 is twice
#   whatsapp: 1
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
