"""The habits of a writer: countable features of style.

These are general features of English prose, and know nothing of any owner, model or choice.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from align.text.function_words import (
    ARTICLES,
    AUXILIARIES,
    CONJUNCTIONS,
    DEMONSTRATIVES,
    FIRST_PERSON,
    HEDGES,
    INTENSIFIERS,
    INTERJECTIONS,
    NEGATIONS,
    PREPOSITIONS,
    QUESTION_WORDS,
    SECOND_PERSON,
)
from align.text.similarity import words

_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])[\"')\]\u2019\u201d]*\s+|\n+")
_DASH = re.compile(r"\u2014|\u2013|--+|(?<=\s)-(?=\s)")
_ELLIPSIS = re.compile(r"\.{2,}|\u2026")
_CONTRACTED = re.compile(
    r"\b\w+(?:n't|'(?:m|re|ve|ll|d))\b|\b(?:it|that|there|what|he|she|let)'s\b"
)
_CONTRACTIBLE = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|could|would|should|will) not|cannot"
    r"|i (?:am|have|had|will|would)|(?:you|we|they) (?:are|have|will|would)"
    r"|(?:it|that|there|he|she) is)\b"
)
_EMOTICON = re.compile(r"[:;]-?[)(DP]|[\u2600-\u27bf\U0001f300-\U0001faff]")


@dataclass(frozen=True)
class Text:
    """One text, cut once for all habits."""

    raw: str

    @cached_property
    def words(self) -> list[str]:
        """Return the words in small letters."""
        return words(self.raw)

    @cached_property
    def plain(self) -> str:
        """Return the text in small letters with plain apostrophes and single blanks."""
        return " ".join(self.raw.replace("\u2019", "'").lower().split())

    @cached_property
    def sentences(self) -> list[str]:
        """Return the sentences that hold a word."""
        return [s for s in _SENTENCE_END.split(self.raw) if s and words(s)]

    @cached_property
    def sentence_lengths(self) -> list[int]:
        """Return the number of words of each sentence."""
        return [len(words(sentence)) for sentence in self.sentences]

    def per_100_words(self, count: int) -> float:
        """Return a count over the text's hundreds of words; 0 for a text without words."""
        return 100 * count / len(self.words) if self.words else 0.0

    def of_sentences(self, count: int) -> float:
        """Return a count over the number of sentences; 0 for a text without sentences."""
        return count / len(self.sentences) if self.sentences else 0.0


PER_100 = "in 100 words"
SHARE = "share"
CLASS = "class"
COUNT = "mean"
Measure = Callable[[Text], float]


@dataclass(frozen=True)
class Habit:
    """One habit: a number for each text, and the edges of the bins in which texts are counted.

    A value equal to an edge falls into the bin below it, so an edge at 0 keeps "never" apart.
    """

    name: str
    unit: str
    meaning: str
    edges: tuple[float, ...]
    measure: Measure

    def bin(self, text: Text) -> int:
        """Return the number of the bin that the text falls into."""
        return bisect_left(self.edges, self.measure(text))


def _words_of(lexicon: frozenset[str]) -> Measure:
    return lambda text: text.per_100_words(sum(word in lexicon for word in text.words))


def _marks(*marks: str) -> Measure:
    return lambda text: text.per_100_words(sum(text.raw.count(mark) for mark in marks))


def _matches(pattern: re.Pattern[str]) -> Measure:
    return lambda text: text.per_100_words(len(pattern.findall(text.raw)))


def _sentence_length(text: Text) -> float:
    lengths = text.sentence_lengths
    return sum(lengths) / len(lengths) if lengths else 0.0


def _sentence_spread(text: Text) -> float:
    lengths = text.sentence_lengths
    return float(max(lengths) - min(lengths)) if lengths else 0.0


def _contractions(text: Text) -> float:
    short = len(_CONTRACTED.findall(text.plain))
    long = len(_CONTRACTIBLE.findall(text.plain))
    return short / (short + long) if short + long else 0.0


def _hedges(text: Text) -> float:
    padded = f" {' '.join(text.words)} "
    return text.of_sentences(sum(padded.count(f" {hedge} ") for hedge in HEDGES))


def _opener(text: Text) -> float:
    if not text.words:
        return 0.0
    first = text.words[0]
    classes = (FIRST_PERSON, SECOND_PERSON, ARTICLES, CONJUNCTIONS, INTERJECTIONS,
               DEMONSTRATIVES | {"it", "it's", "that's"}, QUESTION_WORDS)  # fmt: skip
    for number, lexicon in enumerate(classes, 1):
        if first in lexicon:
            return float(number)
    return float(len(classes) + (2 if first.endswith("ing") else 1))


def _ending(text: Text) -> float:
    stripped = text.raw.rstrip().rstrip("\"')]")
    if stripped.endswith(("..", "\u2026")):
        return 2.0
    return {".": 1.0, "!": 3.0, "?": 4.0}.get(stripped[-1:], 0.0)


HABITS: tuple[Habit, ...] = (
    Habit("length", COUNT, "Words in the whole text.",
          (10, 18, 26, 34, 42, 52, 65, 90, 150), lambda t: float(len(t.words))),
    Habit("sentence length", COUNT, "Words in a sentence, on average.",
          (5, 7, 9, 11, 13, 16, 20, 27), _sentence_length),
    Habit("sentence spread", COUNT, "Words by which the longest sentence exceeds the shortest.",
          (1, 4, 7, 11, 16, 24), _sentence_spread),
    Habit("short sentences", SHARE, "Share of sentences of four words or fewer.",
          (0, 0.2, 0.35, 0.5),
          lambda t: t.of_sentences(sum(n <= 4 for n in t.sentence_lengths))),
    Habit("word length", COUNT, "Letters in a word, on average.",
          (3.5, 3.7, 3.9, 4.1, 4.3, 4.6, 5.0),
          lambda t: sum(map(len, t.words)) / len(t.words) if t.words else 0.0),
    Habit("long words", PER_100, "Words of seven letters or more, in 100 words.",
          (4, 8, 12, 16, 22),
          lambda t: t.per_100_words(sum(len(word) >= 7 for word in t.words))),
    Habit("commas", PER_100, "Commas in 100 words.",
          (0, 2, 4, 6, 9, 13), _marks(",")),
    Habit("dashes", PER_100, "Dashes (not hyphens) in 100 words.",
          (0, 2, 4, 7), _matches(_DASH)),
    Habit("ellipses", PER_100, "Ellipses in 100 words.",
          (0, 2, 4, 8), _matches(_ELLIPSIS)),
    Habit("parentheses", PER_100, "Opening parentheses and brackets in 100 words.",
          (0, 2, 4), _marks("(", "[")),
    Habit("semicolons", PER_100, "Semicolons and colons in 100 words.",
          (0, 2, 4, 7), _marks(";", ":")),
    Habit("exclamations", SHARE, "Exclamation marks for each sentence.",
          (0, 0.2, 0.4, 0.7), lambda t: t.of_sentences(t.raw.count("!"))),
    Habit("questions", SHARE, "Question marks for each sentence.",
          (0, 0.2, 0.4), lambda t: t.of_sentences(t.raw.count("?"))),
    Habit("emoticons", PER_100, "Emoticons and emoji in 100 words.",
          (0, 3), _matches(_EMOTICON)),
    Habit("small-letter starts", SHARE, "Share of sentences that begin with a small letter.",
          (0, 0.34, 0.67, 0.99),
          lambda t: t.of_sentences(sum(s.lstrip("\"'([")[:1].islower() for s in t.sentences))),
    Habit("contractions", SHARE, "Share of what could be contracted that is contracted.",
          (0, 0.34, 0.67, 0.99), _contractions),
    Habit("first person", PER_100, "Words for oneself (I, me, my, we ...) in 100 words.",
          (0, 3, 6, 9, 13), _words_of(FIRST_PERSON)),
    Habit("second person", PER_100, "Words for the reader (you, your ...) in 100 words.",
          (0, 3, 6), _words_of(SECOND_PERSON)),
    Habit("hedges", SHARE, "Hedges (perhaps, I think, sort of ...) for each sentence.",
          (0, 0.2, 0.4), _hedges),
    Habit("intensifiers", PER_100, "Intensifiers (very, quite, really ...) in 100 words.",
          (0, 2, 4, 7), _words_of(INTENSIFIERS)),
    Habit("articles", PER_100, "Articles in 100 words.",
          (3, 6, 9, 12, 16), _words_of(ARTICLES)),
    Habit("prepositions", PER_100, "Prepositions in 100 words.",
          (5, 8, 11, 14, 18), _words_of(PREPOSITIONS)),
    Habit("conjunctions", PER_100, "Conjunctions in 100 words.",
          (0, 2, 4, 7, 10), _words_of(CONJUNCTIONS)),
    Habit("auxiliaries", PER_100, "Auxiliary verbs in 100 words.",
          (2, 5, 8, 11, 15), _words_of(AUXILIARIES)),
    Habit("negations", PER_100, "Negations, contracted ones too, in 100 words.",
          (0, 2, 4, 7),
          lambda t: t.per_100_words(sum(w in NEGATIONS or w.endswith("n't") for w in t.words))),
    Habit("demonstratives", PER_100, "Demonstratives (this, that, there ...) in 100 words.",
          (0, 2, 4, 7), _words_of(DEMONSTRATIVES)),
    Habit("starts with and, but, so", SHARE,
          "Share of sentences that begin with a conjunction (and, but, so ...).", (0, 0.2, 0.4),
          lambda t: t.of_sentences(sum(words(s)[0] in CONJUNCTIONS for s in t.sentences))),
    Habit("interjection first", SHARE,
          "Whether the text opens with an interjection (well, oh, look ...).", (0.5,),
          lambda t: float(bool(t.words) and t.words[0] in INTERJECTIONS)),
    Habit("first word", CLASS,
          "Class of the first word: none, I, you, article, conjunction, question, -ing, other.",
          tuple(n + 0.5 for n in range(9)), _opener),
    Habit("last mark", CLASS,
          "Class of the last mark: none, full stop, ellipsis, exclamation, question.",
          tuple(n + 0.5 for n in range(4)), _ending),
    Habit("paragraphs", COUNT, "Paragraphs in the whole text.", (1, 2, 4),
          lambda t: float(len([p for p in re.split(r"\n\s*\n", t.raw) if p.strip()]))),
)  # fmt: skip


def rates(texts: Sequence[str]) -> dict[str, float]:
    """Return each habit's mean over the texts; classes have no mean and are absent."""
    if not texts:
        return {}
    cut = [Text(text) for text in texts]
    return {
        habit.name: sum(map(habit.measure, cut)) / len(cut)
        for habit in HABITS
        if habit.unit != CLASS
    }


@lru_cache(maxsize=16_384)
def bins(text: str) -> tuple[int, ...]:
    """Return the bin of each habit, in the order of `HABITS`."""
    cut = Text(text)
    return tuple(habit.bin(cut) for habit in HABITS)
