"""Choose between two answers as an owner would: by likeness to their own voice, never perfectly.

A simulated owner sees two texts and a prompt, never which model wrote what. They value each
habit up to their own level only; a text that outdoes them is a caricature and loses.
"""

import json
import math
import random
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from align.demo import habit_reader as habits
from align.demo import lexicon as lex
from align.demo.kinds import ROLES
from align.demo.topics import blocks, hits, topic_of, words
from align.demo.voice import Voice

Choice = Literal["left", "right", "both", "neither"]

_FLOOR = 0.015
# How much being unlike other people counts beside being unlike their own hurried notes.
_STRANGE = 0.6
# Likeness is worth more up to here, in the owner's deviations from their mean, and costs beyond.
_PEAK = 0.5
_CARICATURE = 2.0
_LIMIT = 6.0
_UNEVEN = 0.2
_RAMBLING = 0.5
_OFF_TOPIC = 2.0
_FOREIGN = 1.2
_BROKEN_END = 0.8
_SALAD = 8.0
_REPEATED = 0.4


@dataclass(frozen=True)
class Levels:
    """Hold what is usual: rates per place of each habit.

    The owner's, those of other people, and the owner's again in all registers, hurried ones too.
    """

    own: dict[str, float]
    others: dict[str, float]
    hurried: dict[str, float]
    # Mean and deviation, over texts in the owner's own register, of: likeness, words, words a
    # sentence, fluency.
    likeness: tuple[float, float]
    length: tuple[float, float]
    sentence_words: tuple[float, float]
    fluency: tuple[float, float]
    # Deviation of the value over the owner's writing of all registers: the unit of the noise.
    spread: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Levels":
        """Return levels from JSON."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**values)


@cache
def _known_pairs() -> frozenset[tuple[str, str]]:
    """Return the neighbouring words of everything that the demo world can say."""
    sources = [re.sub(r"\{\w+\}", "\n", way) for ways in ROLES.values() for way in ways]
    sources += re.split(r"[\n;|:]", blocks())
    sources += [phrase for pool in lex.PHRASES.values() for phrase in pool]
    sources += [way for ways in lex.SYNONYMS.values() for way in (*ways[0], *ways[1])]
    pairs: set[tuple[str, str]] = set()
    for source in sources:
        for line in source.split("\n"):
            pairs.update(pairwise(words(line)))
    return frozenset(pairs)


def fluency(text: str) -> float:
    """Return the share of neighbouring words that belong together; word salad has few."""
    pairs = list(pairwise(words(text)))
    return sum(pair in _known_pairs() for pair in pairs) / len(pairs) if pairs else 0.0


def _surplus(count: float, expected: float, usual: float) -> float:
    """Return the log-likelihood (Poisson) lost by showing a habit more often than usual."""
    if count <= usual:
        return 0.0
    return (
        (usual - count) * math.log(max(expected, _FLOOR))
        + math.lgamma(count + 1)
        - math.lgamma(usual + 1)
    )


def likeness(reading: habits.Reading, levels: Levels) -> float:
    """Return how much a text's habits speak for the owner: log-odds (Poisson), saturating.

    They speak for the owner's own register against hurried ones, and against other people.
    """
    total = 0.0
    for habit, count in reading.counts.items():
        places = reading.places[habit]
        own = max(_FLOOR, levels.own[habit]) * places
        others = max(_FLOOR, levels.others[habit]) * places
        hurried = max(_FLOOR, levels.hurried[habit]) * places
        shown = float(count)
        if own > others:
            # Rates are averages: one more than the owner would show is still like them.
            usual = max(1.0, math.ceil(own)) + 1
            total -= min(_LIMIT, _surplus(shown, own, usual))
            shown = min(shown, usual)
        total += shown * math.log(own / hurried) - (own - hurried)
        total += _STRANGE * (shown * math.log(own / others) - (own - others))
    return total / reading.places["semicolons"]


def _peaked(likeness: float, usual: tuple[float, float]) -> float:
    """Return the worth of a likeness: it grows to a little above the mean, then falls."""
    above = (likeness - usual[0]) / usual[1] - _PEAK
    return min(0.0, above) - _CARICATURE * max(0.0, above)


def coherence(prompt: str, text: str, levels: Levels) -> float:
    """Return the penalties (<= 0) for what is off the topic, repeated, broken or salad."""
    parts = habits.sentences(text)
    if not parts:
        return -10.0
    value = 0.0
    topic = topic_of(prompt)
    if topic is not None:
        topics = hits(text)
        own = topics.pop(topic, 0)
        foreign = max(topics.values(), default=0)
        value -= _OFF_TOPIC * (own == 0) + _FOREIGN * (foreign > own)
    value -= _BROKEN_END * (text.rstrip()[-1] not in ".!?)")
    tokens = words(text)
    runs = list(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False))
    value -= _REPEATED * math.sqrt(len(runs) - len(set(runs)))
    usual = levels.fluency
    value -= _SALAD * max(0.0, usual[0] - 1.3 * usual[1] - fluency(text))
    return value


@dataclass(frozen=True)
class SimulatedOwner:
    """Hold an owner's voice and levels, and how they err."""

    voice: Voice
    levels: Levels
    noise: float = 0.53
    length_bias: float = 0.12
    left_bias: float = 0.08
    both_within: float = 0.12
    neither_below: float = -5.0

    @cached_property
    def reader(self) -> habits.Reader:
        """Return who looks for this voice's habits."""
        return habits.Reader(self.voice)

    @classmethod
    def load(cls, path: Path | str) -> "SimulatedOwner":
        """Read the file that `write_owner` leaves beside an owner's writing."""
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(Voice.from_dict(data["voice"]), Levels.from_dict(data["levels"]))

    def value(self, prompt: str, text: str) -> float:
        """Return how much the owner would call this answer their own, in their own deviations."""
        reading = self.reader.read(text)
        style = _peaked(likeness(reading, self.levels), self.levels.likeness)
        centre, deviation = self.levels.sentence_words
        length = len(words(text))
        per_sentence = length / reading.sentences
        style -= _UNEVEN * max(0.0, abs(per_sentence - centre) / deviation - 1)
        usual, spread = self.levels.length
        style -= _RAMBLING * max(0.0, (length - usual) / spread)
        return (style + coherence(prompt, text, self.levels)) / self.levels.spread

    def choose(self, prompt: str, left: str, right: str, rng: random.Random) -> Choice:
        """Return which answer sounds like the owner; asked again they may say otherwise."""
        one, two = self.value(prompt, left), self.value(prompt, right)
        if max(one, two) + rng.gauss(0, self.noise) < self.neither_below:
            return "neither"
        longer = math.tanh((len(left.split()) - len(right.split())) / 20)
        difference = one - two + self.length_bias * longer + self.left_bias
        difference += rng.gauss(0, self.noise)
        if abs(difference) < self.both_within:
            return "both"
        return "left" if difference > 0 else "right"


def _rates(readings: list[habits.Reading]) -> dict[str, float]:
    return {
        habit: round(
            sum(r.counts[habit] for r in readings) / sum(r.places[habit] for r in readings), 5
        )
        for habit in readings[0].counts
    }


def _usual(values: list[float]) -> tuple[float, float]:
    return round(statistics.fmean(values), 5), round(max(0.01, statistics.pstdev(values)), 5)


def measured(
    voice: Voice, own: list[str], others: list[str], mixed: list[tuple[str, str]]
) -> Levels:
    """Return levels from texts.

    `own` are in the register that the owner calls their own, `others` of other people, and `mixed`
    prompts with the owner's answers in all registers.
    """
    reader = habits.Reader(voice)
    readings = [reader.read(text) for text in own]
    lengths = [len(words(text)) for text in own]
    in_sentence = [n / r.sentences for n, r in zip(lengths, readings, strict=True)]
    levels = Levels(
        own=_rates(readings),
        others=_rates([reader.read(text) for text in others]),
        hurried=_rates([reader.read(text) for _, text in mixed]),
        likeness=(0.0, 1.0),
        length=_usual([float(n) for n in lengths]),
        sentence_words=_usual(in_sentence),
        fluency=_usual([fluency(text) for text in own]),
        spread=1.0,
    )
    levels = replace(levels, likeness=_usual([likeness(r, levels) for r in readings]))
    owner = SimulatedOwner(voice, levels)
    spread = statistics.pstdev(owner.value(prompt, text) for prompt, text in mixed)
    return replace(levels, spread=round(spread, 5))
