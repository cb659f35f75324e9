"""Texts as the screen shows them: never markup, never terminal control, of a known width."""

import re
from collections.abc import Sequence

from textual.content import Content
from textual.style import Style

from align.text.printable import printable

# Terminals disagree on the width of sequences that these join, and a wrong width tears the
# screen. Without them an emoji family stands as its members.
_JOINERS = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u206a-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_LINES = re.compile("[\u2028\u2029]")
# Marks over and under a letter pile up into the lines around it.
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILED = re.compile(f"({_MARK}{{3}}){_MARK}+")

# Scripts whose signs join or stack, and flags: terminals disagree on how wide such a line is.
_DISPUTED = re.compile(
    "[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0e31-\u0e4e\u0eb1-\u0ecd"
    "\u0f18-\u0fbc\u1000-\u109f\u1780-\u17ff\u1a00-\u1cff\ua880-\uaaff\U0001f1e6-\U0001f1ff]"
)

# A word with what follows it, so that the pieces joined are the text again.
_WORD = re.compile(r"\S+\s*|\s+")
# Beyond this many words a comparison takes longer than a key may.
MOST_WORDS = 1_500

Run = tuple[str, bool]

DIFFERS = Style(bold=True, underline=True)
OPENING, CLOSING = "‹", "›"


def shown(text: str) -> str:
    """Return a text as it can be put on the screen; the store keeps it as it came."""
    text = _LINES.sub("\n", printable(text))
    return _PILED.sub(r"\1", _JOINERS.sub("", text)).rstrip("\n")


def is_width_disputed(line: str) -> bool:
    """Tell whether terminals disagree on how many columns a line takes."""
    return not line.isascii() and _DISPUTED.search(line) is not None


def drawn(text: str) -> str:
    """Return a part of a line as a terminal can draw it."""
    return _JOINERS.sub("", printable(_LINES.sub(" ", text).replace("\n", " ")))


def answer(text: str) -> Content:
    """Return an answer for the screen; an empty one says so."""
    text = shown(text)
    return Content(text) if text.strip() else Content.styled("(an empty answer)", "dim italic")


def differing(runs: Sequence[tuple[str, bool]]) -> Content:
    """Return an answer with the runs that the other one lacks underlined and in ‹angles›.

    The signs carry the meaning where a terminal shows neither colour nor underline.
    """
    parts: list[Content | str] = []
    for text, differs in runs:
        text = shown(text) + "\n" * (len(text) - len(text.rstrip("\n")))
        word = text.rstrip()
        if differs and word:
            parts.append(Content.styled(f"{OPENING}{word}{CLOSING}", DIFFERS))
            parts.append(text[len(word) :])
        else:
            parts.append(text)
    return Content.assemble(*parts)


def turns(messages: Sequence[dict[str, str]]) -> list[Content]:
    """Return the turns before the answers, a part each: earlier ones quiet, the last one plain."""
    parts: list[Content] = []
    for place, message in enumerate(messages):
        who = "You" if message["role"] == "assistant" else "They"
        if message["role"] == "system":
            who = "Setting"
        last = place == len(messages) - 1
        text = Content.styled(f"{who}: ", "bold") + Content(shown(message["content"]))
        parts.append(text if last else text.stylize("dim"))
    return parts


def difference(left: str, right: str) -> tuple[list[Run], list[Run]] | None:
    """Return each text as runs of words, with whether the other text lacks them there.

    Case and punctuation count: they are part of a voice. The runs of a side joined are its text.

    Returns:
        The runs of the left and of the right text, or None where they are too long to compare.
    """
    from difflib import SequenceMatcher  # most sessions never compare

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
