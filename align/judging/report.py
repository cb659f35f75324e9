"""A calibration in plain lines: counts and rates, no text of anybody's."""

from collections.abc import Mapping
from typing import Literal

from align.choices.verdicts import CERTAINTIES
from align.judging.figures import AtCertainty, Calibration, Rate
from align.judging.gate import MINIMUM
from align.text.printable import printable

Tendency = Literal["first", "second", "longer", "shorter", "contrary", "chance"]

_IN_WORDS: dict[Tendency, str] = {
    "first": "it leans to the answer that is shown first",
    "second": "it leans to the answer that is shown second",
    "longer": "it takes the longer answer, more than the owner does",
    "shorter": "it takes the shorter answer, more than the owner does",
    "contrary": "it says the contrary of what the owner does",
    "chance": "it can't be told from a coin",
}


def tendencies(calibration: Calibration) -> list[Tendency]:
    """Return what the figures show beyond doubt: a 95 % interval leaves out the fair value.

    `chance` is the exception: it says that nothing is shown.
    """
    tendencies: list[Tendency] = []
    if (slot := calibration.slot) is not None:
        tendencies += ["first"] if slot.low > 0.5 else ["second"] if slot.high < 0.5 else []
    longer, owner = calibration.longer, calibration.owner_longer
    if longer is not None and owner is not None:
        # An owner who likes long answers makes a good judge take them too.
        if longer.low > max(0.5, owner):
            tendencies.append("longer")
        elif longer.high < min(0.5, owner):
            tendencies.append("shorter")
    if calibration.interval is not None:
        low, high = calibration.interval
        tendencies += ["contrary"] if high < 0.5 else ["chance"] if low <= 0.5 else []
    return tendencies


def lines(calibration: Calibration, *, judge: str, model: str) -> list[str]:
    """Return what the terminal shows of the calibration of a judge and its model."""
    rows = [
        *_agreement(calibration),
        *_yardsticks(calibration),
        *_abstentions(calibration),
        *_habits(calibration),
        *(_certainty(name, at) for name, at in calibration.by_certainty.items()),
    ]
    width = max(len(name) for name, *_ in rows)
    seen = [_IN_WORDS[tendency] for tendency in tendencies(calibration)]
    return [
        f"{printable(f'{judge} {model}')} against {_many(calibration.cases, 'choice')} of the "
        f"owner's, on {_many(calibration.prompts, 'prompt')}",
        *(f"  {name:<{width}}  {share:>5}  {rest}".rstrip() for name, share, rest in rows),
        *([f"  It shows: {'; '.join(seen)}."] if seen else []),
        *_decision(calibration),
    ]


Row = tuple[str, str, str]


def _agreement(figures: Calibration) -> list[Row]:
    kappa = "" if figures.kappa is None else f"; kappa {figures.kappa:.2f}"
    interval = "" if figures.interval is None else _range(*figures.interval) + " "
    counted = _many(figures.counted, "verdict")
    if figures.effective < figures.counted - 0.5:
        counted += f", worth {figures.effective:.0f} on prompts of their own"
    at = f"a verdict that counts, on {figures.counted:,} of {figures.cases:,}"
    return [
        ("agrees with the owner", _percent(figures.accuracy), f"{interval}of {counted}{kappa}"),
        ("coverage", _percent(figures.coverage), at),
    ]


def _yardsticks(figures: Calibration) -> list[Row]:
    against = "on the same pairs"
    if figures.difference is not None and figures.difference_interval is not None:
        low, high = (f"{100 * bound:+.0f}" for bound in figures.difference_interval)
        against += f"; the judge is {100 * figures.difference:+.0f} points ({low} to {high})"
    rows = [
        ("  chance", "50%", ""),
        ("  the longer answer", _percent(figures.longer_accuracy), against),
    ]
    again = figures.self_agreement
    if again is None:
        return [*rows, ("  the owner, asked again", "-", "nothing was asked again")]
    return [*rows, _row("  the owner, asked again", again, "pair")]


def _abstentions(figures: Calibration) -> list[Row]:
    counts = {kind: figures.abstentions.get(kind, 0) for kind in ("swapped", "tie", "unscored")}
    total = sum(counts.values())
    rows = [
        ("no verdict", _percent(total / figures.cases if figures.cases else None), _counts(counts)),
    ]
    doubted = figures.verdicts - figures.counted
    if doubted:
        rows.append(
            ("not certain enough", _percent(doubted / figures.cases), _many(doubted, "verdict"))
        )
    if figures.problems:
        rows.append(("answers without use", f"{sum(figures.problems.values()):,}",
                     printable(_counts(figures.problems))))  # fmt: skip
    return rows


def _habits(figures: Calibration) -> list[Row]:
    rows = [
        _row("another order, another one", figures.swap, "pair"),
        _row("takes the one shown first", figures.slot, "answer"),
        _row("takes the longer one", figures.longer, "verdict"),
    ]
    if figures.owner_longer is not None:
        name, share, rest = rows[-1]
        rows[-1] = name, share, f"{rest}; the owner {_percent(figures.owner_longer)}"
    return rows


def _certainty(name: str, at: AtCertainty) -> Row:
    label = f"agrees where {name}" if name in CERTAINTIES else "agrees, certainty unstated"
    return _row(label, at.accuracy, "verdict")


def _decision(figures: Calibration) -> list[str]:
    gate = figures.gate
    sentences = [f"The gate is {'open' if gate.is_open else 'shut'}: {gate.reason}."]
    if gate.is_open:
        at = " or ".join(gate.certainties)
        sentences.append(f"A verdict whose certainty is {at} counts {gate.weight:.2f} of a choice.")
    elif gate.more_choices is None:
        sentences.append("More choices would not help as it stands: try another model or prompt.")
    else:
        more = _many(gate.more_choices, "more choice")
        verb = "are needed" if figures.cases < MINIMUM else "would tell, at this rate"
        sentences.append(f"About {more} with a winner {verb}.")
    if figures.attempts > 1:
        sentences.append(
            f"{figures.attempts:,} judges were tried for this owner, so the bound is stricter: "
            f"z = {gate.z:.2f}."
        )
    return sentences


def _row(name: str, rate: Rate | None, of: str) -> Row:
    if rate is None:
        return name, "-", ""
    return name, _percent(rate.share), f"{_range(rate.low, rate.high)} of {_many(rate.cases, of)}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)


def _range(low: float, high: float) -> str:
    return f"({low:.0%} to {high:.0%})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _many(count: int, of: str) -> str:
    return f"{count:,} {of}" if count == 1 else f"{count:,} {of}s"
