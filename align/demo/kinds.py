"""The kinds of question, the plan of an answer to each, and what clauses say (`kinds.toml`)."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

_DATA = tomllib.loads(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))

# What a clause does -> templates of it, in plain words; the voice does the rest.
ROLES: dict[str, tuple[str, ...]] = {role: tuple(ways) for role, ways in _DATA["roles"].items()}
# Slots of the templates that one text fills with another phrase each time.
VARIED = frozenset({"good", "bad", "tip", "slip", "once", "part", "tool", "place"})


@dataclass(frozen=True)
class Kind:
    """Hold one kind of question: how it is asked, what must be answered, what may follow."""

    key: str
    questions: tuple[str, ...]
    core: tuple[str, ...]
    extra: tuple[str, ...]


KINDS = tuple(
    Kind(kind["key"], tuple(kind["questions"]), tuple(kind["core"]), tuple(kind["extra"]))
    for kind in _DATA["kinds"]
)
POST_TITLES: tuple[str, ...] = tuple(_DATA["post_titles"])
# For each place in a post, the plans that a paragraph there may follow.
POST_PARAGRAPHS: tuple[tuple[tuple[str, ...], ...], ...] = tuple(
    tuple(tuple(plan) for plan in plans) for plans in _DATA["post_paragraphs"]
)
