"""The words and phrases that voices choose between, as `lexicon.toml` holds them."""

import random
import tomllib
from pathlib import Path

_DATA = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))

# Slot of a clause -> (plain ways, other ways). Every way fits wherever the slot stands.
SYNONYMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    slot: (tuple(ways["plain"]), tuple(ways["other"])) for slot, ways in _DATA["synonyms"].items()
}
# What voices add to clauses (openers, hedges, tags ...), and who and when clauses speak of.
PHRASES: dict[str, tuple[str, ...]] = {name: tuple(pool) for name, pool in _DATA["phrases"].items()}
# What stands between two clauses, and around an aside.
JOINERS: dict[str, str] = _DATA["joiners"]
BRACKETS: dict[str, tuple[str, str]] = {
    name: (before, after) for name, (before, after) in _DATA["brackets"].items()
}
# British -> American spelling, and long -> short.
AMERICAN: dict[str, str] = _DATA["american"]
CONTRACTIONS: dict[str, str] = _DATA["contractions"]
# Invented people: first and last names, where they live and what they do.
PEOPLE: dict[str, tuple[str, ...]] = {name: tuple(pool) for name, pool in _DATA["people"].items()}

# How people open a conversation about no topic, and the words that belong to none.
SMALL_TALK: dict[str, tuple[str, ...]] = {
    name: tuple(pool) for name, pool in _DATA["small_talk"].items()
}
COMMON_WORDS = frozenset(_DATA["common_words"].split())


def full_name(rng: random.Random) -> str:
    """Return an invented name of two words."""
    return f"{rng.choice(PEOPLE['first'])} {rng.choice(PEOPLE['last'])}"
