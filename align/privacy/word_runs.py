"""Runs of words as 64-bit numbers in sorted arrays: those of a million messages fit in memory.

A word is Python's own hash of it, which is keyed anew in each process and never leaves it; a run
is the polynomial of its words, modulo 2^64. Two different runs are one number about once in 10^19.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from align.text.similarity import words

# Repeating so many words in a row is repeating a text; a whole text of at least `SHORT` too.
LONG, SHORT = 8, 4
LENGTHS = range(SHORT, LONG + 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
# How closed a text is, from the least to the most; and what makes a run open.
TRAIN_ONLY, SEALED, PRIVATE = 1, 2, 3
OPEN, KNOWN = 1, 2
# What so many people wrote in so many conversations is a common phrase.
_AUTHORS, _THREADS = 3, 5
# Texts are worked on so many words at a time.
_PIECE = 2**20
# Scripts without blanks between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")

# NumPy's own type says neither shape nor kind in a way that is worth its length.
Numbers = Any


def tokens(text: str) -> list[str]:
    """Return the words of a text, as `align.text.similarity.words` has them.

    Where a script puts no blanks between words, each two letters that follow one another are one:
    a sentence would be a single word, and nothing of it ever found. What cannot be seen in a text
    tells no two words apart.
    """
    if text.isascii():
        return words(text)
    found = words(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    if not _UNSPACED.search(text):
        return found
    return [part for word in found for part in _parts(word)]


def numbered(found: list[str]) -> Numbers:
    """Return words as numbers, `(N,)`."""
    return np.fromiter(map(hash, found), np.int64, len(found)).view(np.uint64)


def runs(numbers: Numbers) -> dict[int, Numbers]:
    """Return the runs of each length that counts, by where they begin: `(N,) -> (N - n + 1,)`."""
    found: dict[int, Numbers] = {}
    run = numbers
    for n in range(2, LONG + 1):
        if len(numbers) < n:
            break
        run = run[:-1] * _FACTOR + numbers[n - 1 :]
        if n >= SHORT:
            found[n] = run
    return found


class Piece(NamedTuple):
    """Some texts, one after the other.

    Attributes:
        numbers: Their words, `(N,)`.
        room: How many words there are from each word to the end of its text, `(N,)`.
        whole: How many words its text has, at the first word of each text; else 0, `(N,)`.
        text: Which text each word is of, counted over all pieces, `(N,)`.
    """

    numbers: Numbers
    room: Numbers
    whole: Numbers
    text: Numbers


class Texts:
    """Texts as numbers, eight bytes a word, and a mark for each."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._lengths = array("q")
        self.marks = array("q")

    def add(self, found: list[str], mark: int) -> bool:
        """Add the words of a text and tell whether it counts: fewer than four are anybody's."""
        if len(found) < SHORT:
            return False
        self._numbers.extend(map(hash, found))
        self._lengths.append(len(found))
        self.marks.append(mark)
        return True

    def pieces(self) -> Iterator[Piece]:
        """Yield the texts, some at a time."""
        numbers = np.frombuffer(self._numbers, np.uint64) if self._numbers else np.zeros(0, "u8")
        lengths = np.array(self._lengths, np.int64)
        ends = np.cumsum(lengths)
        first = 0
        while first < len(lengths):
            begin = ends[first] - lengths[first]
            last = max(first + 1, int(np.searchsorted(ends, begin + _PIECE, "right")))
            here, stops = lengths[first:last], ends[first:last] - begin
            size = int(stops[-1])
            room = np.repeat(stops, here) - np.arange(size)
            whole = np.zeros(size, np.int64)
            whole[stops - here] = here
            text = np.repeat(np.arange(first, last), here)
            yield Piece(numbers[begin : begin + size], room, whole, text)
            first = last

    def __len__(self) -> int:
        return len(self._lengths)


class RunSet:
    """The runs of closed texts: those of eight words, and whole texts of four to seven.

    Args:
        texts: The closed texts; the mark of each says how closed it is.
    """

    def __init__(self, texts: Texts) -> None:
        self.runs: dict[int, Numbers] = {}
        self._marks: dict[int, Numbers] = {}
        self._often: dict[int, Numbers] = {}
        self._common: dict[int, Numbers] = {}
        self._counts: dict[int, Numbers] = {}
        self._filters: dict[int, Numbers] = {}
        of_text = np.array(texts.marks, np.uint8)
        found: dict[int, list[tuple[Numbers, Numbers]]] = {n: [] for n in LENGTHS}
        for piece in texts.pieces():
            for n, run in runs(piece.numbers).items():
                here = piece.room[: len(run)] >= n if n == LONG else piece.whole[: len(run)] == n
                found[n].append((run[here], of_text[piece.text[: len(run)][here]]))
        for n in LENGTHS:
            self.runs[n], self._marks[n], times = _most_closed(found.pop(n))
            # A whole text of few words may stand within others too, a long run is counted here.
            self._often[n] = times >= _THREADS if n == LONG else np.ones(len(times), bool)
            self._common[n] = np.zeros(len(times), bool)

    def find_common(
        self, texts: Texts, written_by: Sequence[int], written_in: Sequence[int]
    ) -> None:
        """Find the runs that many people wrote in many conversations.

        Args:
            texts: What people wrote.
            written_by: Number of who wrote each text; -1 where that says nothing, as of all
                texts after the last one named.
            written_in: Number of the conversation of each text.
        """
        authors = np.full(len(texts), -1)
        threads = np.zeros(len(texts), np.int64)
        authors[: len(written_by)], threads[: len(written_in)] = written_by, written_in
        places: dict[int, list[Numbers]] = {n: [] for n in LENGTHS}
        by: dict[int, list[Numbers]] = {n: [] for n in LENGTHS}
        for n, found, text in self._standing_in(texts, self._often):
            counts = authors[text] >= 0
            places[n].append(found[counts])
            by[n].append(text[counts])
        for n in LENGTHS:
            if places[n]:
                place, text = np.concatenate(places[n]), np.concatenate(by[n])
                size = len(self.runs[n])
                self._common[n] = (_distinct(place, authors[text], size) >= _AUTHORS) & (
                    _distinct(place, threads[text], size) >= _THREADS
                )

    def settle(self, said: Texts) -> None:
        """Decide which runs count.

        Those of train-only writing do but where they stand in open writing or are common. Those of
        sealed writing do but where they stand in open writing: that many people say so in chats
        that are closed themselves makes no line of a journal open. Those of a pair that the owner
        called private do but where they stand in what is open and no instruction to a judge.

        Args:
            said: Open texts, each marked `OPEN` or, what a judge is told, `KNOWN`; 0 counts not.
        """
        marks = np.array(said.marks, np.uint8)
        stands = {n: np.zeros(len(self.runs[n]), np.uint8) for n in LENGTHS}
        for n, places, text in self._standing_in(said, None):
            for mark in (OPEN, KNOWN):
                stands[n][places[marks[text] == mark]] |= mark
        for n in LENGTHS:
            mark, spoken = self._marks[n], stands[n]
            self._counts[n] = np.where(
                mark == PRIVATE,
                spoken & OPEN == 0,
                (spoken == 0) & ((mark == SEALED) | ~self._common[n]),
            )
            self._filters[n] = _filter(self.runs[n][self._counts[n]])
        short = [self.runs[n][self._counts[n]] for n in LENGTHS if n != LONG]
        self._whole = np.sort(np.concatenate(short))
        self._whole_filter = _filter(self._whole)

    def find(self, found: dict[int, Numbers]) -> tuple[int, int] | None:
        """Return the mark of the first run that counts, and how many words it goes on for."""
        hit = self._find(LONG, found)
        # Nearly always there is none: four lengths are looked up at once, and apart where needed.
        if hit is not None or not self._has_whole(found):
            return hit
        hits = (self._find(n, found) for n in reversed(LENGTHS) if n != LONG)
        return next((hit for hit in hits if hit is not None), None)

    def _has_whole(self, found: dict[int, Numbers]) -> bool:
        """Tell whether one of the runs is a whole text of fewer than `LONG` words that counts."""
        short = [run for n, run in found.items() if n != LONG]
        if not short or not len(self._whole):
            return False
        run = np.concatenate(short)
        maybe = run[_may_be_in(self._whole_filter, run)]
        return bool(len(maybe) and len(_places(self._whole, maybe)[0]))

    def _find(self, n: int, found: dict[int, Numbers]) -> tuple[int, int] | None:
        if n not in found or not len(self.runs[n]):
            return None
        run = found[n]
        maybe = np.flatnonzero(_may_be_in(self._filters[n], run))
        if not len(maybe):
            return None
        which, places = _places(self.runs[n], run[maybe])
        counts = self._counts[n][places]
        which, places = maybe[which[counts]], places[counts]
        if not len(which):
            return None
        breaks = np.flatnonzero(np.diff(which) != 1)
        more = int(breaks[0]) if len(breaks) else len(which) - 1
        return int(self._marks[n][places[0]]), n + (more if n == LONG else 0)

    def _standing_in(
        self, texts: Texts, wanted: dict[int, Numbers] | None
    ) -> Iterator[tuple[int, Numbers, Numbers]]:
        """Yield which runs stand anywhere in texts: their length, places, and texts' numbers."""
        known = self.runs if wanted is None else {n: self.runs[n][wanted[n]] for n in LENGTHS}
        tables = {n: _filter(known[n]) for n in LENGTHS}
        for piece in texts.pieces():
            for n, run in runs(piece.numbers).items():
                maybe = _may_be_in(tables[n], run) & (piece.room[: len(run)] >= n)
                at = np.flatnonzero(maybe)
                which, places = _places(self.runs[n], run[at])
                yield n, places, piece.text[at[which]]


def _parts(word: str) -> Iterator[str]:
    at = 0
    for match in _UNSPACED.finditer(word):
        if match.start() > at:
            yield word[at : match.start()]
        said = match[0]
        yield from (said[i : i + 2] for i in range(max(1, len(said) - 1)))
        at = match.end()
    if at < len(word):
        yield word[at:]


def _most_closed(parts: list[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers, Numbers]:
    """Return the runs once each, sorted, the highest mark of each, and how often it stands."""
    none = (np.zeros(0, np.uint64), np.zeros(0, np.uint8))
    run, marks = (np.concatenate(each) for each in zip(none, *parts, strict=True))
    if not len(run):
        return run, marks, np.zeros(0, np.int64)
    order = np.argsort(run)
    run, marks = run[order], marks[order]
    first = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]]))
    times = np.diff(np.append(first, len(run)))
    return run[first], np.maximum.reduceat(marks, first), times


def _distinct(place: Numbers, value: Numbers, size: int) -> Numbers:
    """Return how many different values each place has: `(M,), (M,) -> (size,)`."""
    both = np.unique(place.astype(np.int64) << 31 | value)
    return np.bincount(both >> 31, minlength=size)


def _filter(run: Numbers) -> Numbers:
    """Return a table that tells of most runs that they are not among these."""
    table = np.zeros(1 << min(25, (16 * len(run) + 512).bit_length()), bool)
    table[_cells(table, run)] = True
    return table


def _may_be_in(table: Numbers, run: Numbers) -> Numbers:
    return table[_cells(table, run)]


def _cells(table: Numbers, run: Numbers) -> Numbers:
    # By the high half: the low bits of a product know nothing of the high bits of its factors.
    # As signed numbers, which need no conversion to be indices.
    return ((run >> np.uint64(32)) & np.uint64(len(table) - 1)).view(np.int64)


def _places(known: Numbers, run: Numbers) -> tuple[Numbers, Numbers]:
    if not len(known) or not len(run):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    places = np.minimum(np.searchsorted(known, run), len(known) - 1)
    which = np.flatnonzero(known[places] == run)
    return which, places[which]
