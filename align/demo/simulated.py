"""Choose between two answers as an owner would: by likeness to himself, and never perfectly.

A simulated owner sees two texts and a prompt, never which model wrote what. He values each
habit up to his own level only; a text that outdoes him is a caricature and loses.
"""

import json
import math
import random
import re
import statistics
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from align.demo import habits
from align.demo import lexicon as lex
from align.demo.kinds import ROLES
from align.demo.topics import blocks, hits, topic_of, words
from align.demo.voice import Voice

Choice = Literal["left", "right", "both", "neither"]

_FLOOR = 0.015
_LIMIT = 2.5
_OFF_TOPIC = 5.0
_FOREIGN = 3.0
_BROKEN_END = 2.5
_SALAD = 30.0
_REPEATED = 1.5
_LOUD = 5.0
_QUIET = 1.5
# A habit is his where he shows it this many times as often as others do.
_HIS = 1.5


@dataclass(frozen=True)
class Levels:
    """Hold what is usual: rates per place of each habit, his own and everybody's."""

    own: dict[str, float]
    others: dict[str, float]
    # Mean and deviation, over his own texts, of: likeness, habits a sentence, words a sentence,
    # fluency.
    likeness: tuple[float, float]
    loudness: tuple[float, float]
    sentence_words: tuple[float, float]
    fluency: tuple[float, float]
    # Deviation of the value over his own writing of all registers: the unit of the noise.
    spread: float


@cache
def _known_pairs() -> frozenset[tuple[str, str]]:
    """Return the neighbouring words of everything that the demo world can say."""
    sources = [re.sub(r"\{\w+\}", "\n", way) for ways in ROLES.values() for way in ways]
    sources += re.split(r"[\n;|:]", blocks())
    for value in vars(lex).values():
        if isinstance(value, tuple):
            sources += [str(each) for each in value]
    sources += [way for ways in lex.SYNONYMS.values() for way in (*ways[0], *ways[1])]
    pairs: set[tuple[str, str]] = set()
    for source in sources:
        for line in source.split("\n"):
            found = words(line)
            pairs.update(pairwise(found))
    return frozenset(pairs)


def fluency(text: str) -> float:
    """Return the share of neighbouring words that belong together; word salad has few."""
    found = words(text)
    pairs = list(pairwise(found))
    return sum(pair in _known_pairs() for pair in pairs) / len(pairs) if pairs else 0.0


def _surplus(count: float, expected: float) -> float:
    """Return the log-likelihood (Poisson) lost by showing a habit more often than expected.

    Once is never too often for a habit that he has at all; all of them together may be.
    """
    usual = max(1.0, math.ceil(expected))
    if count <= usual:
        return 0.0
    return ((usual - count) * math.log(max(expected, _FLOOR))
            + math.lgamma(count + 1) - math.lgamma(usual + 1))


def likeness(reading: habits.Reading, levels: Levels) -> float:
    """Return how much a text's habits speak for the owner: log-odds, saturating per habit."""
    total = 0.0
    for habit, count in reading.counts.items():
        own = max(_FLOOR, levels.own[habit]) * reading.places[habit]
        others = max(_FLOOR, levels.others[habit]) * reading.places[habit]
        if own > others:
            shown = min(count, max(1.0, math.ceil(own)))
            total -= min(_LIMIT, _surplus(count, own))
        else:
            shown = count
        odds = shown * math.log(own / others) - (own - others)
        total += max(-_LIMIT, min(_LIMIT, odds))
    return total


def _above(value: float, usual: tuple[float, float], slack: float = 1.0) -> float:
    return max(0.0, (value - usual[0]) / usual[1] - slack)


def loudness(reading: habits.Reading, levels: Levels) -> float:
    """Return how many of the owner's habits a text shows a sentence, all together."""
    shown = sum(count for habit, count in reading.counts.items()
                if levels.own[habit] > _HIS * levels.others[habit])
    return shown / reading.places["semicolons"]


def coherence(prompt: str, text: str, levels: Levels) -> float:
    """Return the penalties (<= 0) for what is off the topic, repeated, broken or salad."""
    parts = habits.sentences(text)
    if not parts:
        return -20.0
    value = 0.0
    asked = topic_of(prompt)
    if asked is not None:
        found = hits(text)
        own = found.pop(asked, 0)
        foreign = max(found.values(), default=0)
        value -= _OFF_TOPIC * (own == 0) + _FOREIGN * (foreign > own)
    value -= _BROKEN_END * (text.rstrip()[-1] not in ".!?)")
    said = words(text)
    runs = list(zip(said, said[1:], said[2:], said[3:], strict=False))
    value -= _REPEATED * math.sqrt(len(runs) - len(set(runs)))
    usual = levels.fluency
    value -= _SALAD * max(0.0, usual[0] - 1.3 * usual[1] - fluency(text))
    return value


@dataclass(frozen=True)
class SimulatedOwner:
    """Hold an owner's voice and levels, and how he errs."""

    voice: Voice
    levels: Levels
    noise: float = 0.6
    length_bias: float = 0.12
    left_bias: float = 0.08
    both_within: float = 0.12
    neither_below: float = -4.0

    @cached_property
    def reader(self) -> habits.Reader:
        """Return who looks for this voice's habits."""
        return habits.Reader(self.voice)

    @classmethod
    def load(cls, path: Path | str) -> "SimulatedOwner":
        """Read the file that `write_owner` leaves beside an owner's writing."""
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(voice_from(data["voice"]), levels_from(data["levels"]))

    def value(self, prompt: str, text: str) -> float:
        """Return how much the owner would call this answer his own, in his own deviations."""
        reading = self.reader.read(text)
        style = min(likeness(reading, self.levels), self.levels.likeness[0])
        loud, (usual, deviation) = loudness(reading, self.levels), self.levels.loudness
        style -= _LOUD * _above(loud, self.levels.loudness, 0.0)
        style -= _QUIET * max(0.0, (usual - loud) / deviation)
        per_sentence = len(words(text)) / reading.places["semicolons"]
        centre, deviation = self.levels.sentence_words
        off = abs(per_sentence - centre) / deviation
        style -= max(0.0, off - 0.7)
        return (style + coherence(prompt, text, self.levels)) / self.levels.spread

    def choose(self, prompt: str, left: str, right: str, rng: random.Random) -> Choice:
        """Return which answer sounds like the owner; asked again he may say otherwise."""
        one, two = self.value(prompt, left), self.value(prompt, right)
        if max(one, two) + rng.gauss(0, self.noise) < self.neither_below:
            return "neither"
        longer = math.tanh((len(left.split()) - len(right.split())) / 20)
        difference = one - two + self.length_bias * longer + self.left_bias
        difference += rng.gauss(0, self.noise)
        if abs(difference) < self.both_within:
            return "both"
        return "left" if difference > 0 else "right"


def voice_from(data: dict[str, Any]) -> Voice:
    """Return a voice from what `Voice.as_dict` gave, after a round through JSON."""
    def frozen(value: Any) -> Any:
        return tuple(frozen(each) for each in value) if isinstance(value, list) else value

    return Voice(**{field.name: frozen(data[field.name]) for field in fields(Voice)})


def levels_from(data: dict[str, Any]) -> Levels:
    """Return levels from JSON."""
    return Levels(data["own"], data["others"], tuple(data["likeness"]), tuple(data["loudness"]),
                  tuple(data["sentence_words"]), tuple(data["fluency"]), data["spread"])


def _rates(readings: list[habits.Reading]) -> dict[str, float]:
    return {habit: round(sum(r.counts[habit] for r in readings)
                         / sum(r.places[habit] for r in readings), 5)
            for habit in readings[0].counts}


def _usual(values: list[float]) -> tuple[float, float]:
    return round(statistics.fmean(values), 5), round(max(0.01, statistics.pstdev(values)), 5)


def measured(voice: Voice, own: list[str], others: list[str],
             mixed: list[tuple[str, str]]) -> Levels:
    """Return levels from texts.

    Args:
        voice: whose habits are looked for.
        own: texts in the register that the owner calls his own.
        others: texts of other people.
        mixed: prompts and the owner's answers in all his registers.
    """
    reader = habits.Reader(voice)
    readings = [reader.read(text) for text in own]
    lengths = [len(words(t)) / r.places["semicolons"] for t, r in zip(own, readings, strict=True)]
    unknown = (math.inf, 1.0)
    levels = Levels(_rates(readings), _rates([reader.read(t) for t in others]), unknown,
                    (0.0, 1.0), _usual(lengths),
                    _usual([fluency(text) for text in own]), 1.0)
    levels = replace(levels, likeness=_usual([likeness(r, levels) for r in readings]),
                     loudness=_usual([loudness(r, levels) for r in readings]))
    owner = SimulatedOwner(voice, levels)
    spread = statistics.pstdev(owner.value(prompt, text) for prompt, text in mixed)
    return replace(levels, spread=round(spread, 5))
