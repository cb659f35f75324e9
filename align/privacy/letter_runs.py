"""Runs of letters as 64-bit numbers: what 24 characters of a sealed text hold, in any script.

Eight words in a row are missed where a script has no words, or somebody changed the blanks. A run
is the polynomial of its letters, modulo 2^64, with coefficients drawn anew in each process.
"""

import os
from array import array
from collections.abc import Collection, Iterator
from functools import lru_cache

import numpy as np

from align.privacy.normal_form import letter_counts, letters
from align.privacy.sorted_numbers import (
    Numbers,
    distinct,
    enter,
    may_be_in,
    positions,
    table,
    table_of,
)

# So many characters of a sealed text are looked for, if they hold so many letters: fewer are a
# line of dashes or a row of initials, and stand in texts that know nothing of each other.
CHARACTERS, FEWEST = 24, 12
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_FACTOR), -1, 1 << 64))
_OF_LETTER = np.frombuffer(os.urandom(256 * 8), np.uint64)
# Texts are worked on so many letters at a time.
_PIECE = 2**19
# No character has more letters than this one, an Arabic blessing.
_LONGEST = CHARACTERS * len(letters("\ufdfa"))


class LetterTexts:
    """Texts as letters, a byte each, with a zero after each text.

    With `counts` they are to be looked for: then it is known where 24 characters end.
    """

    def __init__(self, *, counts: bool = False) -> None:
        self.letters = bytearray()
        self.counts: bytearray | None = bytearray() if counts else None
        self._ends, self._records = array("q"), array("i")

    def add(self, text: str, record: int) -> None:
        """Add a text of a record; one of too few letters tells nothing."""
        if self.counts is None:
            kept = letters(text)
        else:
            kept, counts = letter_counts(text)
            if len(kept) >= FEWEST:
                self.counts += counts + b"\x01"
        if len(kept) >= FEWEST:
            self.letters += kept + b"\x00"
            self._ends.append(len(self.letters))
            self._records.append(record)

    def forget(self, records: Collection[int]) -> bool:
        """Blank out the texts of records; tell whether there were any."""
        which = [at for at, record in enumerate(self._records) if record in records]
        for at in which:
            begin, end = self._ends[at - 1] if at else 0, self._ends[at]
            self.letters[begin:end] = bytes(end - begin)
        return bool(which)

    def __len__(self) -> int:
        return len(self._ends)

    def windows(self) -> "Iterator[tuple[Stream, Numbers, Numbers]]":
        """Yield streams of letters, and where the runs of 24 characters begin and end."""
        counts = np.frombuffer(self.counts or b"", np.uint8)
        before = 0
        for first in range(0, len(counts), _PIECE):
            here = counts[first : first + _PIECE + CHARACTERS]
            at = np.concatenate([[0], np.cumsum(here, dtype=np.int64)])
            stream = Stream(self.letters[before : before + int(at[-1])])
            begin, end = at[:-CHARACTERS], at[CHARACTERS:]
            of_text = stream.numbers_of_texts()
            is_run = (end - begin >= FEWEST) & (of_text[end] == of_text[begin])
            yield stream, begin[is_run], end[is_run]
            before += int(at[min(_PIECE, len(here))])

    def streams(self, longest: int) -> "Iterator[Stream]":
        """Yield all letters, some at a time; runs up to the longest are whole in one of them."""
        for first in range(0, len(self.letters), _PIECE):
            yield Stream(self.letters[first : first + _PIECE + longest])


class Stream:
    """Letters in a row, whose runs are told at once."""

    def __init__(self, text: bytes | bytearray) -> None:
        self._letters = np.frombuffer(bytes(text), np.uint8)
        powers, self._inverse = _powers(len(text).bit_length())
        self._sums = np.zeros(len(text) + 1, np.uint64)
        np.cumsum(_OF_LETTER[self._letters] * powers[: len(text)], out=self._sums[1:])

    def runs(self, begin: Numbers, end: Numbers) -> Numbers:
        """Return the runs from the beginnings to the ends, `(N,)`."""
        return (self._sums[end] - self._sums[begin]) * self._inverse[begin]

    def beginnings(self) -> Numbers:
        """Return the runs of `FEWEST` letters from each place on, `(N - FEWEST + 1,)`."""
        whole = len(self._letters) - FEWEST + 1
        if whole <= 0:
            return np.zeros(0, np.uint64)
        return (self._sums[FEWEST:] - self._sums[:whole]) * self._inverse[:whole]

    def numbers_of_texts(self) -> Numbers:
        """Return how many texts end before each place, `(N + 1,)`."""
        return np.concatenate([[0], np.cumsum(self._letters == 0, dtype=np.int32)])

    def __len__(self) -> int:
        return len(self._letters)


class LetterRuns:
    """Finds what repeats 24 characters of a text; the texts come with counts."""

    def __init__(self, texts: LetterTexts) -> None:
        self._beginnings = table(len(texts.letters))
        known, lengths = [np.zeros(0, np.uint64)], np.zeros(_LONGEST + 1, bool)
        for stream, begin, end in texts.windows():
            known.append(stream.runs(begin, end))
            lengths[end - begin] = True
            enter(self._beginnings, stream.runs(begin, begin + FEWEST))
        self._known, self._lengths = distinct(np.concatenate(known)), np.flatnonzero(lengths)
        self._table = table_of(self._known)
        self._counts = np.ones(len(self._known), bool)

    def settle(self, open_texts: LetterTexts) -> None:
        """Let those runs count that stand in no open text."""
        self._counts[:] = True
        if len(self._known):
            for stream in open_texts.streams(int(self._lengths[-1])):
                self._counts[self._standing_in(stream)[1]] = False

    def find(self, text: bytes) -> int:
        """Return how many letters the first run has that counts; 0 where there is none."""
        if len(text) < FEWEST or not len(self._known):
            return 0
        length, at = self._standing_in(Stream(text))
        counts = np.flatnonzero(self._counts[at])
        return int(length[counts[0]]) if len(counts) else 0

    def _standing_in(self, stream: Stream) -> tuple[Numbers, Numbers]:
        """Return the lengths of the runs that stand in a stream, and their places."""
        begin = np.flatnonzero(may_be_in(self._beginnings, stream.beginnings()))
        ends = begin[:, None] + self._lengths
        fits = ends <= len(stream)
        begin = np.broadcast_to(begin[:, None], ends.shape)[fits]
        ends = ends[fits]
        run = stream.runs(begin, ends)
        maybe = np.flatnonzero(may_be_in(self._table, run))
        which, at = positions(self._known, run[maybe])
        which = maybe[which]
        return ends[which] - begin[which], at


@lru_cache(maxsize=24)
def _powers(bits: int) -> tuple[Numbers, Numbers]:
    """Return the powers of the factor and of its inverse, from 0 on: `(2^bits + 1,)` each."""
    both = []
    for factor in (_FACTOR, _INVERSE):
        powers = np.full((1 << bits) + 1, factor, np.uint64)
        powers[0] = 1
        both.append(np.cumprod(powers))
    return both[0], both[1]
