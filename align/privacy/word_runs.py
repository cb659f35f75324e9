"""Runs of words as 64-bit numbers in sorted arrays: those of a million messages fit in memory.

A word is Python's own hash of it, which is keyed anew in each process and never leaves it; a run
is the polynomial of its words, modulo 2^64. Two different runs are one number about once in 10^19.
"""

from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from align.levels import stored
from align.privacy.sorted_numbers import Numbers, distinct, may_be_in, positions, table_of

# Repeating so many words in a row is repeating a text; a whole text of at least `SHORT` too.
LONG, SHORT = 8, 4
# Of nine words the first four and the last four: who changes a word repeats a text all the same.
GAPPED = 9
LENGTHS = range(SHORT, GAPPED + 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
# How private a text is: the store's levels, and above them what the owner marked.
SEALED = stored("sealed")
PRIVATE = SEALED + 1
# What makes a run open: that anybody may see it, or that a judge is told it anyway.
OPEN, KNOWN = 1, 2
NEITHER = 0
# What so many people wrote in so many conversations is a common phrase.
_AUTHORS, _THREADS = 3, 5
# Texts are worked on so many words at a time.
_PIECE = 2**20


def numbered(words: list[str]) -> Numbers:
    """Return words as numbers, `(N,)`."""
    return np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)


def runs(numbers: Numbers) -> dict[int, Numbers]:
    """Return the runs of each length that counts, by where they begin: `(N,) -> (N - n + 1,)`."""
    by_length: dict[int, Numbers] = {}
    run = numbers
    for n in range(2, LONG + 1):
        if len(numbers) < n:
            break
        run = run[:-1] * _FACTOR + numbers[n - 1 :]
        if n >= SHORT:
            by_length[n] = run
    if len(numbers) >= GAPPED:
        # As if the four words before and the four after stood in a row.
        four = by_length[SHORT]
        by_length[GAPPED] = four[:-5] * _FACTOR**SHORT + four[5:]
    return by_length


class Piece(NamedTuple):
    """Some texts, one after the other: of each word, `(N,)`."""

    numbers: Numbers  # its number
    room: Numbers  # how many words there are from it to the end of its text
    whole: Numbers  # how many words its text has, at the first word of each text; else 0
    text: Numbers  # which text it is of, counted over all pieces


class WordTexts:
    """Texts as numbers, eight bytes a word, and a mark for each."""

    def __init__(self) -> None:
        self._numbers, self._lengths = array("q"), array("q")
        self.marks, self._records = array("q"), array("i")

    def add(self, words: list[str], mark: int, record: int = -1) -> bool:
        """Add the words of a text and tell whether it counts: fewer than four are anybody's."""
        if len(words) < SHORT:
            return False
        self._numbers.extend(map(hash, words))
        self._lengths.append(len(words))
        self.marks.append(mark)
        self._records.append(record)
        return True

    def forget(self, records: Collection[int]) -> bool:
        """Let the texts of records tell nothing; tell whether there were any."""
        which = [at for at, record in enumerate(self._records) if record in records]
        for at in which:
            self.marks[at] = NEITHER
        return bool(which)

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


class WordRuns:
    """The runs of private texts: those of eight words, and whole texts of four to seven.

    The mark of each text says how private it is.
    """

    def __init__(self, texts: WordTexts) -> None:
        self.runs: dict[int, Numbers] = {}
        self._marks: dict[int, Numbers] = {}
        self._often: dict[int, Numbers] = {}
        self._common: dict[int, Numbers] = {}
        self._counts: dict[int, Numbers] = {}
        self._filters: dict[int, Numbers] = {}
        of_text = np.array(texts.marks, np.uint8)
        marked_runs: dict[int, list[tuple[Numbers, Numbers]]] = {n: [] for n in LENGTHS}
        for piece in texts.pieces():
            for n, run in runs(piece.numbers).items():
                here = piece.room[: len(run)] >= n if n >= LONG else piece.whole[: len(run)] == n
                marked_runs[n].append((run[here], of_text[piece.text[: len(run)][here]]))
        for n in LENGTHS:
            self.runs[n], self._marks[n], times = _most_private(marked_runs.pop(n))
            # A whole text of few words may stand within others too, a long run is counted here.
            self._often[n] = times >= _THREADS if n >= LONG else np.ones(len(times), bool)
            self._common[n] = np.zeros(len(times), bool)

    def find_common(
        self, texts: WordTexts, written_by: Sequence[int], written_in: Sequence[int]
    ) -> None:
        """Find the runs that many people wrote in many conversations.

        Both are told by their numbers, of each text. The number -1, which all texts after the last
        one named have, is no writer.
        """
        authors = np.full(len(texts), -1)
        threads = np.zeros(len(texts), np.int64)
        authors[: len(written_by)], threads[: len(written_in)] = written_by, written_in
        places: dict[int, list[Numbers]] = {n: [] for n in LENGTHS}
        by: dict[int, list[Numbers]] = {n: [] for n in LENGTHS}
        for n, run_places, text in self._standing_in(texts, self._often):
            counts = authors[text] >= 0
            places[n].append(run_places[counts])
            by[n].append(text[counts])
        for n in LENGTHS:
            if places[n]:
                place, text = np.concatenate(places[n]), np.concatenate(by[n])
                size = len(self.runs[n])
                self._common[n] = (_distinct(place, authors[text], size) >= _AUTHORS) & (
                    _distinct(place, threads[text], size) >= _THREADS
                )

    def settle(self, open_texts: WordTexts) -> None:
        """Decide which runs count: all but those that stand in open writing.

        Of train-only writing common ones don't either; of pairs that the owner called private those
        do that a judge is told. Open texts are marked `OPEN` or, what a judge is told, `KNOWN`.
        """
        marks = np.array(open_texts.marks, np.uint8)
        stands = {n: np.zeros(len(self.runs[n]), np.uint8) for n in LENGTHS}
        for n, places, text in self._standing_in(open_texts, None):
            for mark in (OPEN, KNOWN):
                stands[n][places[marks[text] == mark]] |= mark
        for n in LENGTHS:
            mark, spoken = self._marks[n], stands[n]
            self._counts[n] = np.where(
                mark == PRIVATE,
                spoken & OPEN == 0,
                (spoken == 0) & ((mark == SEALED) | ~self._common[n]),
            )
            self._filters[n] = table_of(self.runs[n][self._counts[n]])

    def find(self, runs_of_text: dict[int, Numbers]) -> tuple[int, int] | None:
        """Return the mark of the first run that counts, and how many words it goes on for."""
        # A changed word, one more in the text, and one less, each with four words on either side.
        pairs = ((LONG, LONG), (GAPPED, GAPPED), (LONG, GAPPED), (GAPPED, LONG))
        whole = ((n, n) for n in reversed(range(SHORT, LONG)))
        hits = (self._find(known, runs_of_text.get(said)) for known, said in (*pairs, *whole))
        return next((hit for hit in hits if hit is not None), None)

    def _find(self, n: int, run: Numbers | None) -> tuple[int, int] | None:
        if run is None or not len(self.runs[n]):
            return None
        maybe = np.flatnonzero(may_be_in(self._filters[n], run))
        if not len(maybe):
            return None
        which, places = positions(self.runs[n], run[maybe])
        counts = self._counts[n][places]
        which, places = maybe[which[counts]], places[counts]
        if not len(which):
            return None
        breaks = np.flatnonzero(np.diff(which) != 1)
        more = int(breaks[0]) if len(breaks) else len(which) - 1
        return int(self._marks[n][places[0]]), min(n, LONG) + (more if n == LONG else 0)

    def _standing_in(
        self, texts: WordTexts, wanted: dict[int, Numbers] | None
    ) -> Iterator[tuple[int, Numbers, Numbers]]:
        """Yield which runs stand anywhere in texts: their length, places, and texts' numbers."""
        known = self.runs if wanted is None else {n: self.runs[n][wanted[n]] for n in LENGTHS}
        tables = {n: table_of(known[n]) for n in LENGTHS}
        for piece in texts.pieces():
            for n, run in runs(piece.numbers).items():
                maybe = may_be_in(tables[n], run) & (piece.room[: len(run)] >= n)
                at = np.flatnonzero(maybe)
                which, places = positions(self.runs[n], run[at])
                yield n, places, piece.text[at[which]]


def _most_private(parts: list[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers, Numbers]:
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
    both = distinct(place.astype(np.int64) << 31 | value)
    return np.bincount(both >> 31, minlength=size)
