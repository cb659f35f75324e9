"""What is a journal: by its name, in the languages of `journals.toml`, or by its shape."""

import re
import tomllib
from pathlib import Path, PurePath

from align.ingest.cleaning.word_lists import DOES, SELF_WORDS
from align.ingest.formats.chat_lines import is_day
from align.text.similarity import words

_WORDS = {
    key: frozenset(listed)
    for key, listed in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
}
_NAMES, _ENDINGS = _WORDS["names"], tuple(sorted(_WORDS["endings"]))
_DAY = re.compile(r"(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d")
_LONGEST_HEAD = 60
_FEWEST_DAYS = 3
# Of the words of somebody who writes of themselves, so many are "I", "me", "my".
_SELF_SHARE = 0.01
# Of running text, so much is words of a language that is known here: else nothing is told of "I".
_KNOWN = 0.2


def in_journal(origin: str) -> bool:
    """Tell whether a file or a folder on its way is called a journal or a diary.

    So are `journal-may-2024.md` and `mein Tagebuch`, and a day in a folder of daily notes; a post
    on keeping a journal is none.
    """
    path = PurePath(origin.casefold())
    folders = {" ".join(re.findall(r"[^\W\d_]+", part)) for part in path.parts[:-1]}
    is_daily = _DAY.fullmatch(path.stem) is not None and not folders.isdisjoint(_WORDS["daily"])
    return is_daily or any(_names_journal(part) for part in path.parts)


def looks_like_journal(text: str) -> bool:
    """Tell whether a text is entries of several days by somebody who writes of themselves."""
    heads = [line.strip("#*_ \t") for line in text.split("\n") if len(line) <= _LONGEST_HEAD]
    if sum(is_day(head) for head in heads if head) < _FEWEST_DAYS:
        return False
    tokens = words(text)
    speaks = sum(token in SELF_WORDS for token in tokens) >= _SELF_SHARE * len(tokens)
    return speaks or sum(token in DOES for token in tokens) < _KNOWN * len(tokens)


def _names_journal(name: str) -> bool:
    parts = re.findall(r"[^\W\d_]+", PurePath(name).stem)
    if not parts:
        return False
    named = [part in _NAMES or part.endswith(_ENDINGS) for part in parts]
    beside = all(
        is_name or part in _WORDS["beside"] for part, is_name in zip(parts, named, strict=True)
    )
    return named[0] or (any(named) and beside)
