"""Where two answers differ, by words. Pure."""

import re

# A word with what follows it, so that the pieces joined are the text again.
_WORD = re.compile(r"\S+\s*|\s+")
# Beyond this many words a comparison takes longer than a key may.
MOST_WORDS = 1_500

Run = tuple[str, bool]


def difference(left: str, right: str) -> tuple[list[Run], list[Run]] | None:
    """Return each text as runs of words, with whether the other text lacks them there.

    Case and punctuation count: they are part of a voice. The runs of a side joined are its text.

    Returns:
        The runs of the left and of the right text, or None where they are too long to compare.
    """
    from difflib import SequenceMatcher  # most sittings never compare

    mine, other = _WORD.findall(left), _WORD.findall(right)
    if max(len(mine), len(other)) > MOST_WORDS:
        return None
    matcher = SequenceMatcher(
        None, [word.rstrip() for word in mine], [word.rstrip() for word in other], autojunk=False
    )
    runs: tuple[list[Run], list[Run]] = ([], [])
    for tag, from_left, to_left, from_right, to_right in matcher.get_opcodes():
        for side, words in (
            (runs[0], mine[from_left:to_left]),
            (runs[1], other[from_right:to_right]),
        ):
            if words:
                side.append(("".join(words), tag != "equal"))
    return runs
