"""Words for names: which ones are words too, and the names that stand in for listed ones."""

import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
WORDS_TOO, PARTICLES, ROLES = (
    frozenset(_WORDS[kind].split()) for kind in ("words_too", "particles", "roles")
)
GIVEN, SURNAMES = (tuple(_WORDS[kind].split()) for kind in ("given", "surnames"))
