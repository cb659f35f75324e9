"""What is a journal by its name: it is sealed until its owner says otherwise."""

import re
from pathlib import PurePath

_JOURNALS = frozenset({"journal", "journals", "diary", "diaries"})
_OWN = frozenset({"my", "old", "daily", "private", "personal", "the"})


def in_journal(origin: str) -> bool:
    """Tell whether a file or a folder on its way is called a journal or a diary.

    So are `journal-may-2024.md` and `my diary`; a post on keeping a journal is none.
    """
    return any(_names_journal(part) for part in PurePath(origin.lower()).parts)


def _names_journal(name: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", PurePath(name).stem) if word]
    if not words or _JOURNALS.isdisjoint(words):
        return False
    return words[0] in _JOURNALS or _JOURNALS.union(_OWN).issuperset(words)
