"""Which of many texts are nearly the same: MinHash proposes pairs, shared words decide.

A shingle is a run of two words: one word changed in twenty leaves 0.8 of the shingles in common,
where runs of three would leave 0.7. MinHash signatures (Broder 1997; rensa's R-MinHash) are cut
into bands, and texts that agree in any whole band are candidates (Leskovec, Rajaraman and Ullman,
Mining of Massive Datasets, 3.4). What candidates really share is then counted exactly.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from struct import Struct
from typing import Any

from align.text.similarity import words

PERMUTATIONS = 96
# How likely a pair that is just as alike as the threshold is proposed at all.
LEAST_RECALL = 0.99
SHORTEST_WORDS = 5
_SIGNATURE = Struct(f"={PERMUTATIONS}I")
_SEED = 4
_BATCH = 2000
# How many texts before it in its bucket a text is compared with: all of an ordinary bucket, enough
# of one that thousands of copies of a form letter fill, as other bands give other neighbours.
_NEIGHBOURS = 8
_PAIRS = 50_000
_SHINGLE_SETS = 4096


def near_duplicate_groups(
    texts: Sequence[str], threshold: float, *, shortest_words: int = SHORTEST_WORDS
) -> list[list[int]]:
    """Return the groups of texts that are nearly the same, each of two or more places.

    Texts with the same words in the same order are always of one group; so is what is connected by
    pairs that are alike, whether its ends are or not. The groups do not depend on the order of the
    texts, nor on the process. A text without words is in no group; one of fewer words than
    `shortest_words` is compared as a whole only. The texts are read once from front to back, then
    here and there: they need not be in memory. `threshold` is the Jaccard likeness of the sets of
    shingles from which two texts are one, above 0; 1 leaves texts with the same set.
    """
    groups = _Groups()
    places, bands, sketches = _read(texts, groups, threshold, shortest_words)

    @lru_cache(_SHINGLE_SETS)
    def shingles_at(place: int) -> frozenset[str]:
        return frozenset(_shingles(words(texts[place])))

    for first, second in _candidates(bands, sketches, threshold):
        one, other = places[first], places[second]
        if groups.root(one) != groups.root(other) and (
            _jaccard(shingles_at(one), shingles_at(other)) >= threshold
        ):
            groups.join(one, other)
    return groups.lists()


def _read(
    texts: Sequence[str], groups: "_Groups", threshold: float, shortest_words: int
) -> tuple["array[int]", Any, Any]:
    """Join texts of the same words; of the others, return places, bands and sketches.

    Bands are uint64 of shape (text, band), sketches the signatures' last bytes, (text, place).
    """
    import numpy as np

    rows = _rows_of_band(threshold)
    first: dict[int, int] = {}
    places, digests, batch = array("q"), array("Q"), []
    parts = [_sketched([], rows)]
    for place, text in enumerate(texts):
        tokens = words(text)
        if not tokens:
            continue
        digest = _digest(tokens)
        if first.setdefault(digest, place) != place:
            groups.join(first[digest], place)
        elif len(tokens) >= shortest_words:
            places.append(place)
            digests.append(digest)
            batch.append(_shingles(tokens))
            if len(batch) == _BATCH:
                parts.append(_sketched(batch, rows))
                batch = []
    if batch:
        parts.append(_sketched(batch, rows))
    # By content, not by place: then the groups are the same whichever text comes first.
    order = np.argsort(np.array(digests, np.uint64), kind="stable")
    bands, sketches = (np.concatenate(each)[order] for each in zip(*parts, strict=True))
    return array("q", (places[i] for i in order)), bands, sketches


def _sketched(batch: list[list[str]], rows: int) -> tuple[Any, Any]:
    """Return a number for what each band of a signature holds, and the signatures' last bytes."""
    import numpy as np
    from rensa import RMinHash

    matrix = RMinHash.digest_matrix_from_token_sets(batch, PERMUTATIONS, _SEED)
    # By way of bytes: numpy takes twice as long over lists of numbers.
    packed = b"".join([_SIGNATURE.pack(*row) for row in matrix.to_rows()])
    signatures = np.frombuffer(packed, np.uint32).reshape(len(batch), PERMUTATIONS)
    bands = PERMUTATIONS // rows
    cut = signatures[:, : bands * rows].reshape(len(batch), bands, rows)
    keys = np.zeros((len(batch), bands), np.uint64)
    for row in range(rows):
        # Fowler, Noll and Vo's, of whole values; the shift lets high bits reach low ones.
        keys = (keys ^ cut[:, :, row]) * np.uint64(0x100000001B3)
        keys ^= keys >> np.uint64(29)
    return keys, signatures.astype(np.uint8)


def _candidates(bands: Any, sketches: Any, threshold: float) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows that agree in a band; a pair may come again for another band."""
    import numpy as np

    # Signatures tell the likeness up to chance; what is this far below is not worth counting.
    least = threshold - 3 * (threshold * (1 - threshold) / PERMUTATIONS) ** 0.5
    for band in range(bands.shape[1]):
        keys = bands[:, band]
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        for distance in range(1, min(_NEIGHBOURS + 1, len(order))):
            same = np.flatnonzero(ranked[distance:] == ranked[:-distance])
            if not len(same):
                break
            for part in np.array_split(same, len(same) // _PAIRS + 1):
                first, second = order[part], order[part + distance]
                alike = (sketches[first] == sketches[second]).mean(axis=1) >= least
                yield from zip(first[alike].tolist(), second[alike].tolist(), strict=True)


def _rows_of_band(threshold: float) -> int:
    """Return the longest bands that still find pairs at the threshold: fewest false candidates."""
    rows = 1
    while rows < PERMUTATIONS and _recall(threshold, rows + 1) >= LEAST_RECALL:
        rows += 1
    return rows


def _recall(likeness: float, rows: int) -> float:
    """Return how likely two texts of this likeness agree in at least one band."""
    return float(1 - (1 - likeness**rows) ** (PERMUTATIONS // rows))


def _shingles(tokens: list[str]) -> list[str]:
    return [f"{one} {next_one}" for one, next_one in pairwise(tokens)] or tokens


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def _digest(tokens: list[str]) -> int:
    # Not hash(), which differs from process to process.
    data = " ".join(tokens).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


class _Groups:
    """Joins places into groups (union-find); a group is named by its first place."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def root(self, place: int) -> int:
        parents = self._parents
        while (parent := parents.get(place, place)) != place:
            parents[place] = parents.get(parent, parent)
            place = parent
        return place

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        self._parents[other] = one

    def lists(self) -> list[list[int]]:
        """Return the groups, each in order, by their first places."""
        members: dict[int, list[int]] = {}
        for place in sorted(self._parents):
            root = self.root(place)
            members.setdefault(root, [root])
            if place != root:
                members[root].append(place)
        return [members[root] for root in sorted(members)]
