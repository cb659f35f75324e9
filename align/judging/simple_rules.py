"""Rules that know nothing of an owner but habits of length: what a judge must beat. Pure.

Taking what stands first is none of them: who does so says another answer in the other order, and
has no verdict.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from align.choices.verdicts import Side
from align.statistics import quantile

# So many lengths that an answer may be nearer to: between two neighbours of them, the answers of
# few pairs are told apart.
_LENGTHS = 20
# Letters in a row, on average, from which on a script has no blanks between its words.
_UNSPACED = 20


class Shape(NamedTuple):
    """What such a rule sees of an answer."""

    words: int
    characters: int
    lines: int

    @classmethod
    def of(cls, text: str) -> "Shape":
        """Return a text's."""
        lines = sum(bool(line.strip()) for line in text.splitlines())
        return cls(len(text.split()), len(text), lines)


Shapes = tuple[Shape, Shape]
# Names the answer of two that a rule takes; None where it can't tell.
Rule = Callable[[Shapes], Side | None]


def longer(shapes: Shapes) -> Side | None:
    """Return the answer with more words, or where they have as many, more characters."""
    return _more(shapes, lambda shape: shape[:2])


def simple_rules(all_shapes: Iterable[Shapes]) -> dict[str, Rule]:
    """Return the rules by what they take; lengths to be near to are taken from these answers."""
    rules: dict[str, Rule] = {
        "the longer answer": longer,
        "the shorter answer": lambda shapes: _more(shapes, lambda s: (-s.words, -s.characters)),
        "the one of more lines": lambda shapes: _more(shapes, lambda s: s.lines),
        "the one of fewer lines": lambda shapes: _more(shapes, lambda s: -s.lines),
    }
    for lines in ("the one of more lines", "the one of fewer lines"):
        for length in ("the longer answer", "the shorter answer"):
            rules[f"{lines}, else {length}"] = _one_then(rules[lines], rules[length])
    answers = [shape for shapes in all_shapes for shape in shapes]
    words, characters = sum(s.words for s in answers), sum(s.characters for s in answers)
    unit = 1 if characters > _UNSPACED * words else 0
    sizes = sorted(shape[unit] for shape in answers)
    for size in _spread(sizes):
        rules[f"the one nearer to {size} {Shape._fields[unit]}"] = _nearer(size, unit)
    return rules


def _spread(sizes: Sequence[int]) -> list[int]:
    """Return lengths that cut the answers into as many of one size."""
    if not sizes:
        return []
    return sorted({round(quantile(sizes, n / _LENGTHS)) for n in range(1, _LENGTHS)})


def _nearer(length: int, unit: int) -> Rule:
    return lambda shapes: _more(shapes, lambda shape: -abs(shape[unit] - length))


def _one_then(first: Rule, second: Rule) -> Rule:
    return lambda shapes: first(shapes) or second(shapes)


def _more(shapes: Shapes, size: Callable[[Shape], int | tuple[int, ...]]) -> Side | None:
    a, b = map(size, shapes)
    return None if a == b else "a" if a > b else "b"  # type: ignore[operator]
