"""Find the habits of a writer in a text, the way a reader would: by what stands there.

These detectors belong to the simulated owner alone. The scorecard measures style with its own
features (align.text.style), so that the choices and the final judging are never the same function.
Contractions, small letters, brackets, shouts and ellipses are left to the scorecard: whether a
model comes closer to the owner there as well is what choices made without them can show.
"""

import re
from dataclasses import dataclass

from align.demo import lexicon as lex
from align.demo.voice import Voice

WORDS_A_PLACE = 12
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_SUBJECTLESS = re.compile(
    r"(?:once|would|wouldn't|hope|going|give|find|do|had to|keep|come|came|forget|feel|like|love|"
    r"enjoy|adore|rather like|quite like|partial|fond|a soft spot|mixed|tried|been|at its best|"
    r"pays|took|takes|clears|makes|wears|got|good that|nice that|play|go|make|ride|read)\b",
    re.IGNORECASE,
)
_FOLLOWED = re.compile(r" (?:of|that|than|to|me|the|a|my|in|over|without|up)\b")
_MARKS = {"semicolons": ";", "dashes": " - ", "long dashes": "—"}


@dataclass(frozen=True)
class Reading:
    """Hold how often each habit shows in a text, and in how many places it could have."""

    counts: dict[str, int]
    places: dict[str, float]
    sentences: int


def sentences(text: str) -> list[str]:
    """Split a text at sentence ends and line breaks."""
    return [part for line in text.splitlines() for part in _SENTENCE.split(line) if part.strip()]


def _bare(way: str) -> str:
    return way.rstrip(".,!?").lower()


def _any_of(ways: tuple[str, ...]) -> re.Pattern[str]:
    if not ways:
        return re.compile(r"(?!)")
    ordered = sorted({_bare(way) for way in ways}, key=lambda way: (-len(way), way))
    return re.compile(r"(?<![\w'])(?:" + "|".join(map(re.escape, ordered)) + r")(?![\w'])")


def _spoken(ways: tuple[str, ...]) -> tuple[str, ...]:
    """Return ways of saying something, with their contracted forms."""
    short = list(ways)
    for way in ways:
        for plain, contracted in lex.CONTRACTIONS.items():
            if plain.lower() in way.lower():
                short.append(way.lower().replace(plain.lower(), contracted.lower()))
    return tuple(short)


_UNDERSTATED = _any_of(lex.PHRASES["understated"] + lex.PHRASES["understated_bad"])
_POOLS = (
    "openers", "hedges", "tags", "comments", "asides", "stamps", "maxims", "sign_offs", "ask_backs",
    "addresses",
)  # fmt: skip


class Reader:
    """Look for one voice's habits in texts."""

    def __init__(self, voice: Voice) -> None:
        """Prepare the patterns of what this voice says, and of what only others say."""
        self.pools = {}
        for name in _POOLS:
            own = _spoken(voice.ways[name])
            known = {_bare(way) for way in own}
            foreign = tuple(way for way in _spoken(lex.PHRASES[name]) if _bare(way) not in known)
            self.pools[name] = (_any_of(own), _any_of(foreign))
        words = tuple(voice.words.values())
        self.own_words = _any_of(words)
        self.other_words = _any_of(
            tuple(
                way
                for slot, ways in lex.SYNONYMS.items()
                for way in (*ways[0], *ways[1])
                if way not in words and slot not in ("but", "like")
            )
        )

    def read(self, text: str) -> Reading:
        """Return what a reader who knows the voice would notice in a text."""
        parts, lowered = sentences(text), text.lower()
        counts = {
            "own words": len(self.own_words.findall(lowered)),
            "other words": len(self.other_words.findall(lowered)),
            "no subject": sum(_no_subject(part) for part in parts),
            "understated": len(_UNDERSTATED.findall(lowered)),
        }
        for name, (own, foreign) in self.pools.items():
            counts[f"own {name}"] = len(own.findall(lowered))
            counts[f"foreign {name}"] = len(foreign.findall(lowered))
        counts |= {name: text.count(mark) for name, mark in _MARKS.items()}
        # Joining clauses makes fewer sentences but no more of a habit: what may stand anywhere
        # is counted by length, what opens a sentence by sentence.
        stretches = max(2.0, len(lowered.split()) / WORDS_A_PLACE)
        places = dict.fromkeys(counts, stretches)
        places["no subject"] = float(max(1, len(parts)))
        counts["echo"], places["echo"] = int(bool(parts) and _is_echo(parts[0])), 1.0
        return Reading(counts, places, max(1, len(parts)))


def _no_subject(sentence: str) -> bool:
    start = _SUBJECTLESS.match(sentence)
    if start is None:
        return False
    return bool(_FOLLOWED.match(sentence[start.end() :])) or len(sentence) < 60


def _is_echo(sentence: str) -> bool:
    plain = sentence.strip()
    return (
        len(plain.split()) <= 5
        and not plain.endswith(",")
        and not re.search(r"\b(?:is|am|are|was|it|I|you|we|would|do|does)\b|'", plain)
    )
