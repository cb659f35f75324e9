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
    found: list[Tendency] = []
    if (slot := calibration.slot) is not None:
        found += ["first"] if slot.low > 0.5 else ["second"] if slot.high < 0.5 else []
    longer, owner = calibration.longer, calibration.owner_longer
    if longer is not None and owner is not None:
        # An owner who likes long answers makes a good judge take them too.
        if longer.low > max(0.5, owner):
            found.append("longer")
        elif longer.high < min(0.5, owner):
            found.append("shorter")
    if calibration.interval is not None:
        low, high = calibration.interval
        found += ["contrary"] if high < 0.5 else ["chance"] if low <= 0.5 else []
    return found


def lines(calibration: Calibration, *, judge: str, model: str) -> list[str]:
    """Return what the terminal shows of a calibration.

    Args:
        calibration: What was found.
        judge: The judge's name.
        model: Its model's.
    """
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


def _agreement(found: Calibration) -> list[Row]:
    kappa = "" if found.kappa is None else f"; kappa {found.kappa:.2f}"
    interval = "" if found.interval is None else _range(*found.interval) + " "
    counted = _many(found.counted, "verdict")
    if found.effective < found.counted - 0.5:
        counted += f", worth {found.effective:.0f} on prompts of their own"
    at = f"a verdict that counts, on {found.counted:,} of {found.cases:,}"
    return [
        ("agrees with the owner", _percent(found.accuracy), f"{interval}of {counted}{kappa}"),
        ("coverage", _percent(found.coverage), at),
    ]


def _yardsticks(found: Calibration) -> list[Row]:
    against = "on the same pairs"
    if found.difference is not None and found.difference_interval is not None:
        low, high = (f"{100 * bound:+.0f}" for bound in found.difference_interval)
        against += f"; the judge is {100 * found.difference:+.0f} points ({low} to {high})"
    rows = [
        ("  chance", "50%", ""),
        ("  the longer answer", _percent(found.longer_accuracy), against),
    ]
    again = found.self_agreement
    if again is None:
        return [*rows, ("  the owner, asked again", "-", "nothing was asked again")]
    return [*rows, _row("  the owner, asked again", again, "pair")]


def _abstentions(found: Calibration) -> list[Row]:
    said = {kind: found.abstentions.get(kind, 0) for kind in ("swapped", "tie", "unscored")}
    total = sum(said.values())
    rows = [
        ("no verdict", _percent(total / found.cases if found.cases else None), _counts(said)),
    ]
    doubted = found.verdicts - found.counted
    if doubted:
        rows.append(
            ("not certain enough", _percent(doubted / found.cases), _many(doubted, "verdict"))
        )
    if found.problems:
        rows.append(("answers without use", f"{sum(found.problems.values()):,}",
                     printable(_counts(found.problems))))  # fmt: skip
    return rows


def _habits(found: Calibration) -> list[Row]:
    rows = [
        _row("another order, another one", found.swap, "pair"),
        _row("takes the one shown first", found.slot, "answer"),
        _row("takes the longer one", found.longer, "verdict"),
    ]
    if found.owner_longer is not None:
        name, share, rest = rows[-1]
        rows[-1] = name, share, f"{rest}; the owner {_percent(found.owner_longer)}"
    return rows


def _certainty(name: str, at: AtCertainty) -> Row:
    label = f"agrees where {name}" if name in CERTAINTIES else "agrees, certainty unstated"
    return _row(label, at.accuracy, "verdict")


def _decision(found: Calibration) -> list[str]:
    gate = found.gate
    said = [f"The gate is {'open' if gate.is_open else 'shut'}: {gate.reason}."]
    if gate.is_open:
        at = " or ".join(gate.certainties)
        said.append(f"A verdict whose certainty is {at} counts {gate.weight:.2f} of a choice.")
    elif gate.more_choices is None:
        said.append("More choices would not help as it stands: try another model or prompt.")
    else:
        more = _many(gate.more_choices, "more choice")
        told = "are needed" if found.cases < MINIMUM else "would tell, at this rate"
        said.append(f"About {more} with a winner {told}.")
    if found.attempts > 1:
        said.append(
            f"{found.attempts:,} judges were tried for this owner, so the bound is stricter: "
            f"z = {gate.z:.2f}."
        )
    return said


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
