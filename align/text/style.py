"""The habits of a writer: countable features of style, and how far two sets of texts lie apart.

These are general features of English prose, and know nothing of any owner, twin or choice.
"""

import re
from bisect import bisect_left
from collections import Counter
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

    def share_of(self, lexicon: frozenset[str]) -> float:
        """Return how many of 100 words are in the lexicon."""
        return self.per_100_words(sum(word in lexicon for word in self.words))


@dataclass(frozen=True)
class Habit:
    """One habit: a number for each text, and the edges of the bins in which texts are counted.

    A value equal to an edge falls into the bin below it, so an edge at 0 keeps "never" apart.
    """

    name: str
    unit: str
    measure: Callable[[Text], float]
    edges: tuple[float, ...]

    @property
    def meaning(self) -> str:
        """Return the habit's line of description."""
        return (self.measure.__doc__ or "").strip()

    def bin(self, text: Text) -> int:
        """Return the number of the bin that the text falls into."""
        return bisect_left(self.edges, self.measure(text))


def length(text: Text) -> float:
    """Words in the whole text."""
    return float(len(text.words))


def sentence_length(text: Text) -> float:
    """Words in a sentence, on average."""
    lengths = text.sentence_lengths
    return sum(lengths) / len(lengths) if lengths else 0.0


def sentence_spread(text: Text) -> float:
    """Words by which the longest sentence exceeds the shortest."""
    lengths = text.sentence_lengths
    return float(max(lengths) - min(lengths)) if lengths else 0.0


def short_sentences(text: Text) -> float:
    """Share of sentences of four words or fewer."""
    return text.of_sentences(sum(n <= 4 for n in text.sentence_lengths))


def word_length(text: Text) -> float:
    """Letters in a word, on average."""
    return sum(map(len, text.words)) / len(text.words) if text.words else 0.0


def long_words(text: Text) -> float:
    """Words of seven letters or more, in 100 words."""
    return text.per_100_words(sum(len(word) >= 7 for word in text.words))


def commas(text: Text) -> float:
    """Commas in 100 words."""
    return text.per_100_words(text.raw.count(","))


def dashes(text: Text) -> float:
    """Dashes (not hyphens) in 100 words."""
    return text.per_100_words(len(_DASH.findall(text.raw)))


def ellipses(text: Text) -> float:
    """Ellipses in 100 words."""
    return text.per_100_words(len(_ELLIPSIS.findall(text.raw)))


def parentheses(text: Text) -> float:
    """Opening parentheses and brackets in 100 words."""
    return text.per_100_words(text.raw.count("(") + text.raw.count("["))


def semicolons(text: Text) -> float:
    """Semicolons and colons in 100 words."""
    return text.per_100_words(text.raw.count(";") + text.raw.count(":"))


def exclamations(text: Text) -> float:
    """Exclamation marks for each sentence."""
    return text.of_sentences(text.raw.count("!"))


def questions(text: Text) -> float:
    """Question marks for each sentence."""
    return text.of_sentences(text.raw.count("?"))


def emoticons(text: Text) -> float:
    """Emoticons and emoji in 100 words."""
    return text.per_100_words(len(_EMOTICON.findall(text.raw)))


def lower_starts(text: Text) -> float:
    """Share of sentences that begin with a small letter."""
    return text.of_sentences(sum(s.lstrip("\"'([")[:1].islower() for s in text.sentences))


def contractions(text: Text) -> float:
    """Share of what could be contracted that is contracted."""
    short = len(_CONTRACTED.findall(text.plain))
    long = len(_CONTRACTIBLE.findall(text.plain))
    return short / (short + long) if short + long else 0.0


def first_person(text: Text) -> float:
    """Words for oneself (I, me, my, we ...) in 100 words."""
    return text.share_of(FIRST_PERSON)


def second_person(text: Text) -> float:
    """Words for the reader (you, your ...) in 100 words."""
    return text.share_of(SECOND_PERSON)


def hedges(text: Text) -> float:
    """Hedges (perhaps, I think, sort of ...) for each sentence."""
    padded = f" {' '.join(text.words)} "
    return text.of_sentences(sum(padded.count(f" {hedge} ") for hedge in HEDGES))


def intensifiers(text: Text) -> float:
    """Intensifiers (very, quite, really ...) in 100 words."""
    return text.share_of(INTENSIFIERS)


def articles(text: Text) -> float:
    """Articles in 100 words."""
    return text.share_of(ARTICLES)


def prepositions(text: Text) -> float:
    """Prepositions in 100 words."""
    return text.share_of(PREPOSITIONS)


def conjunctions(text: Text) -> float:
    """Conjunctions in 100 words."""
    return text.share_of(CONJUNCTIONS)


def auxiliaries(text: Text) -> float:
    """Auxiliary verbs in 100 words."""
    return text.share_of(AUXILIARIES)


def negations(text: Text) -> float:
    """Negations, contracted ones too, in 100 words."""
    return text.per_100_words(sum(w in NEGATIONS or w.endswith("n't") for w in text.words))


def demonstratives(text: Text) -> float:
    """Demonstratives (this, that, there ...) in 100 words."""
    return text.share_of(DEMONSTRATIVES)


def joined_starts(text: Text) -> float:
    """Share of sentences that begin with a conjunction (and, but, so ...)."""
    return text.of_sentences(sum(words(s)[0] in CONJUNCTIONS for s in text.sentences))


def interjections(text: Text) -> float:
    """Whether the text opens with an interjection (well, oh, look ...)."""
    return float(bool(text.words) and text.words[0] in INTERJECTIONS)


def opener(text: Text) -> float:
    """Class of the first word: none, I, you, article, conjunction, question, -ing, other."""
    if not text.words:
        return 0.0
    first = text.words[0]
    classes = (FIRST_PERSON, SECOND_PERSON, ARTICLES, CONJUNCTIONS, INTERJECTIONS,
               DEMONSTRATIVES | {"it", "it's", "that's"}, QUESTION_WORDS)  # fmt: skip
    for number, lexicon in enumerate(classes, 1):
        if first in lexicon:
            return float(number)
    return float(len(classes) + (2 if first.endswith("ing") else 1))


def ending(text: Text) -> float:
    """Class of the last mark: none, full stop, ellipsis, exclamation, question."""
    stripped = text.raw.rstrip().rstrip("\"')]")
    if stripped.endswith(("..", "\u2026")):
        return 2.0
    return {".": 1.0, "!": 3.0, "?": 4.0}.get(stripped[-1:], 0.0)


def paragraphs(text: Text) -> float:
    """Paragraphs in the whole text."""
    return float(len([part for part in re.split(r"\n\s*\n", text.raw) if part.strip()]))


PER_100 = "in 100 words"
SHARE = "share"
CLASS = "class"
COUNT = "mean"

HABITS: tuple[Habit, ...] = (
    Habit("length", COUNT, length, (10, 18, 26, 34, 42, 52, 65, 90, 150)),
    Habit("sentence length", COUNT, sentence_length, (5, 7, 9, 11, 13, 16, 20, 27)),
    Habit("sentence spread", COUNT, sentence_spread, (1, 4, 7, 11, 16, 24)),
    Habit("short sentences", SHARE, short_sentences, (0, 0.2, 0.35, 0.5)),
    Habit("word length", COUNT, word_length, (3.5, 3.7, 3.9, 4.1, 4.3, 4.6, 5.0)),
    Habit("long words", PER_100, long_words, (4, 8, 12, 16, 22)),
    Habit("commas", PER_100, commas, (0, 2, 4, 6, 9, 13)),
    Habit("dashes", PER_100, dashes, (0, 2, 4, 7)),
    Habit("ellipses", PER_100, ellipses, (0, 2, 4, 8)),
    Habit("parentheses", PER_100, parentheses, (0, 2, 4)),
    Habit("semicolons", PER_100, semicolons, (0, 2, 4, 7)),
    Habit("exclamations", SHARE, exclamations, (0, 0.2, 0.4, 0.7)),
    Habit("questions", SHARE, questions, (0, 0.2, 0.4)),
    Habit("emoticons", PER_100, emoticons, (0, 3)),
    Habit("small-letter starts", SHARE, lower_starts, (0, 0.34, 0.67, 0.99)),
    Habit("contractions", SHARE, contractions, (0, 0.34, 0.67, 0.99)),
    Habit("first person", PER_100, first_person, (0, 3, 6, 9, 13)),
    Habit("second person", PER_100, second_person, (0, 3, 6)),
    Habit("hedges", SHARE, hedges, (0, 0.2, 0.4)),
    Habit("intensifiers", PER_100, intensifiers, (0, 2, 4, 7)),
    Habit("articles", PER_100, articles, (3, 6, 9, 12, 16)),
    Habit("prepositions", PER_100, prepositions, (5, 8, 11, 14, 18)),
    Habit("conjunctions", PER_100, conjunctions, (0, 2, 4, 7, 10)),
    Habit("auxiliaries", PER_100, auxiliaries, (2, 5, 8, 11, 15)),
    Habit("negations", PER_100, negations, (0, 2, 4, 7)),
    Habit("demonstratives", PER_100, demonstratives, (0, 2, 4, 7)),
    Habit("starts with and, but, so", SHARE, joined_starts, (0, 0.2, 0.4)),
    Habit("interjection first", SHARE, interjections, (0.5,)),
    Habit("first word", CLASS, opener, tuple(n + 0.5 for n in range(9))),
    Habit("last mark", CLASS, ending, tuple(n + 0.5 for n in range(4))),
    Habit("paragraphs", COUNT, paragraphs, (1, 2, 4)),
)


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


def total_variation(first: Sequence[int], second: Sequence[int]) -> float:
    """Return half the summed difference of two samples' shares in each bin, 0 to 1."""
    if not first or not second:
        raise ValueError("no texts to compare")
    of_first, of_second = Counter(first), Counter(second)
    return 0.5 * sum(
        abs(of_first[b] / len(first) - of_second[b] / len(second))
        for b in of_first.keys() | of_second.keys()
    )


def distances(
    first: Sequence[tuple[int, ...]], second: Sequence[tuple[int, ...]]
) -> dict[str, float]:
    """Return each habit's total variation between two sets of texts, given as their `bins`."""
    return {
        habit.name: total_variation([b[i] for b in first], [b[i] for b in second])
        for i, habit in enumerate(HABITS)
    }


def distance(first: Sequence[tuple[int, ...]], second: Sequence[tuple[int, ...]]) -> float:
    """Return the mean over the habits of `distances`, 0 (alike) to 1."""
    apart = distances(first, second)
    return sum(apart.values()) / len(apart)
