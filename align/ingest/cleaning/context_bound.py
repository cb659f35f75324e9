"""Replies that make no sense without what is not there: "dinner?" - "no class Thursday".

A model that learns them repeats them on another day, to somebody else. Three kinds are found, all
short: what answers something that is no text, or is missing; what leans on the moment of writing,
by its day, its clock, its place or a bare yes; and what opens a conversation like an answer. A
message of substance may name a weekday: words that say nothing by themselves are counted against
the others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

from align.ingest.cleaning.word_lists import (
    ANSWER,
    ARRANGING,
    BEFORE_CLOCK,
    DOES,
    GLUE,
    HABITS,
    MOMENT,
    PHRASES,
    POINTING,
    PRONOUN,
    REACTION,
)
from align.ingest.contents import Message

# A message of more words stands for itself.
LONGEST_WORDS = 12
# Nor has any that leans so many words of substance.
_ENOUGH_SUBSTANCE = 5
_LONGEST_REPLY = 8
_LONGEST_ANSWER = 5
_CLOCK = re.compile(
    r"\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}\s?(?:am|pm|uhr|uur|h|o'clock)\b|\b\d{1,2}[./]\d{1,2}\b", re.I
)
_NUMBER = 128
_CLOCK_ENDS = frozenset({"am", "pm", "h", "uhr", "ish", "min", "mins", "hrs"})
# What is answered without words of its own: a reply to it says little without it.
WORDLESS = frozenset({"empty", "media-only", "link-only", "system", "forwarded"})
# An antecedent stands no further back.
_LATELY = 3


@dataclass(slots=True)
class Context:
    """What stands before a message in its conversation."""

    someone_spoke: bool = False  # somebody else wrote before it
    # What it answers is a photo, a link, a forward or a line of the service.
    answers_wordless: bool = False
    is_first_answer: bool = True  # nothing of the owner's stands between that and it
    # It answers, by a link, a message that is not in the conversation.
    link_is_missing: bool = False
    # A text of some words stands shortly before it, or is answered by a link.
    has_antecedent: bool = False


@dataclass(slots=True)
class _Tally:
    """What the words of a message do."""

    words: int  # how many there are
    content: int  # those that say something by themselves
    first: int  # what the first one does
    all: int  # what any of them does

    @property
    def substance_is_thin(self) -> bool:
        return self.content * 3 <= self.words


class ContextTracker:
    """Goes through a conversation message by message; with `reasons` as far as known."""

    def __init__(self, messages: Sequence[Message], reasons: Sequence[str | None]) -> None:
        self._messages, self._reasons = messages, reasons
        self._places = {
            message.key: n for n, message in enumerate(messages) if message.key is not None
        }
        self._next = 0
        self._answered: int | None = None
        self._last_is_owner = False

    def pass_by(self) -> None:
        """Go on to the next message."""
        is_owner = bool(self._messages[self._next].is_owner)
        if not is_owner:
            self._answered = self._next
        self._last_is_owner = is_owner
        self._next += 1

    def before(self) -> Context:
        """Return what stands before the message that comes next."""
        message = self._messages[self._next]
        linked = self._places.get(message.reply_to) if message.reply_to else None
        answered = self._answered if linked is None else linked
        return Context(
            someone_spoke=answered is not None,
            answers_wordless=answered is not None and self._reasons[answered] in WORDLESS,
            is_first_answer=not self._last_is_owner or linked is not None,
            link_is_missing=message.reply_to is not None and linked is None,
            # Of questions only: it is the slowest of these to find.
            has_antecedent=linked is not None
            or (message.text.endswith("?") and self._has_antecedent()),
        )

    def _has_antecedent(self) -> bool:
        return any(
            self._reasons[place] not in WORDLESS
            and len(self._messages[place].text.split(None, 3)) >= 3
            for place in range(max(0, self._next - _LATELY), self._next)
        )


def is_context_bound(text: str, tokens: Sequence[str], before: Context) -> bool:
    """Tell whether a message, given with its words, makes no sense without what is not there."""
    if not 0 < len(tokens) <= LONGEST_WORDS:
        return False
    does = [DOES.get(word) or _unlisted(word) for word in tokens]
    if does.count(0) > _ENOUGH_SUBSTANCE:
        return False
    _look_around(tokens, does)
    tally = _tally(text, does)
    return (
        _answers_what_is_not_there(tally, before)
        or _leans_on_the_moment(tally)
        or _asks_without_antecedent(text, tally, before)
        or _opens_like_an_answer(tally, before)
    )


def _answers_what_is_not_there(tally: _Tally, before: Context) -> bool:
    if before.link_is_missing or (before.answers_wordless and before.is_first_answer):
        return tally.words <= _LONGEST_REPLY and tally.content <= 3
    # What follows in the same breath may be about something else.
    return before.answers_wordless and tally.words <= _LONGEST_REPLY and tally.substance_is_thin


def _leans_on_the_moment(tally: _Tally) -> bool:
    if tally.all & MOMENT:
        return tally.substance_is_thin
    if tally.all & _NUMBER and tally.all & ARRANGING and not tally.content:
        return True
    if tally.all & POINTING and tally.words <= _LONGEST_ANSWER + 1 and tally.substance_is_thin:
        return True
    if tally.content or tally.all & ARRANGING or tally.words > _LONGEST_ANSWER:
        return False
    reacts = bool(tally.first & REACTION) and (bool(tally.all & ANSWER) or tally.words <= 2)
    return bool(tally.first & ANSWER) or reacts


def _asks_without_antecedent(text: str, tally: _Tally, before: Context) -> bool:
    return (
        bool(tally.all & PRONOUN)
        and tally.words < _LONGEST_ANSWER
        and tally.content == 0
        and text.rstrip().endswith("?")
        and not before.has_antecedent
    )


def _opens_like_an_answer(tally: _Tally, before: Context) -> bool:
    return (
        not before.someone_spoke
        and bool(tally.first & ANSWER)
        and tally.words <= _LONGEST_REPLY
        and tally.content <= 2
    )


def _tally(text: str, does: Sequence[int]) -> _Tally:
    every = reduce(or_, does)
    if every & _NUMBER and not every & MOMENT and _CLOCK.search(text):
        every |= MOMENT
    return _Tally(len(does), does.count(0), does[0], every)


def _look_around(tokens: Sequence[str], does: list[int]) -> None:
    """Change what words do that the words beside them make something else."""
    for place, word in enumerate(tokens):
        if word in PHRASES:
            for phrase, meaning in PHRASES[word]:
                if tuple(tokens[place : place + len(phrase)]) == phrase:
                    does[place : place + len(phrase)] = [meaning] + [GLUE] * (len(phrase) - 1)
                    break
        elif place and does[place] & (MOMENT | _NUMBER):
            if does[place] & MOMENT and tokens[place - 1] in HABITS:
                does[place] = GLUE
            elif does[place] & _NUMBER and tokens[place - 1] in BEFORE_CLOCK:
                does[place] |= MOMENT


@lru_cache(10_000)
def _unlisted(word: str) -> int:
    """Return what a word does that is no entry: a number, laughter, what follows an elision."""
    if word[0].isdigit():
        return _NUMBER | (MOMENT if word.lstrip("0123456789") in _CLOCK_ENDS else GLUE)
    if len(word) > 3 and any(not word.strip(laugh) for laugh in ("ha", "he", "ja", "je", "hi")):
        return ANSWER
    head, elided, tail = word.rpartition("'")
    return DOES.get(tail, 0) if elided and len(head) <= 2 else 0
