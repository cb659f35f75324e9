"""A calibration in plain lines: counts and rates, no text of anybody's."""

from collections.abc import Collection, Iterator, Mapping

from align.choices.verdicts import UNSTATED
from align.judging.figures import Calibration, Rate
from align.judging.gate import MINIMUM
from align.store.gates import GateRow
from align.text.printable import printable


def report(measured: Collection[tuple[Calibration, GateRow]]) -> Iterator[str]:
    """Yield what the terminal shows of each attempt of a judge."""
    for calibration, gate in measured:
        if len(measured) > 1:
            yield f"On pairs that the checkpoint {printable(gate.drawn_by)} drew:"
        is_other = gate.answered not in ("", gate.model)
        model = f"{gate.model} ({gate.answered} answered)" if is_other else gate.model
        yield from lines(calibration, judge=gate.judge, model=model)


def lines(calibration: Calibration, *, judge: str, model: str) -> list[str]:
    """Return what the terminal shows of the calibration of a judge and its model."""
    rows = [*_agreement(calibration), *_habits(calibration)]
    width = max(len(name) for name, *_ in rows)
    return [
        f"{printable(f'{judge} {model}')} against {_choices(calibration)}, on "
        f"{_many(calibration.prompts, 'prompt')}",
        *(f"  {name:<{width}}  {share:>5}  {rest}".rstrip() for name, share, rest in rows),
        *_decision(calibration),
    ]


Row = tuple[str, str, str]


def _choices(figures: Calibration) -> str:
    """Return whose choices they are: some were made elsewhere, some name no winner."""
    imported = "" if figures.imported == figures.cases else f"{figures.imported:,} "
    kinds = [f"{imported}imported"] if figures.imported else []
    kinds += [f"{figures.ties:,} of both or neither"] if figures.ties else []
    among = f" ({', '.join(kinds)})" if kinds else ""
    return f"{_many(figures.cases, 'choice')} of the owner's{among}"


def _agreement(figures: Calibration) -> list[Row]:
    kappa = "" if figures.kappa is None else f"; kappa {figures.kappa:.2f}"
    interval = "" if figures.interval is None else _range(*figures.interval) + " "
    counted = _many(figures.verdicts, "verdict")
    if figures.effective < figures.verdicts - 0.5:
        counted += f", worth {figures.effective:.0f} on prompts of their own"
    at = f"a verdict, on {figures.verdicts:,} of {figures.cases:,}"
    against = f"on the same pairs; mostly {figures.rule}" if figures.rule else ""
    if figures.accuracy is not None and figures.rule_accuracy is not None:
        against += f"; the judge is {100 * (figures.accuracy - figures.rule_accuracy):+.0f} points"
    again = _row("  the owner, asked again", figures.self_agreement, "pair")
    return [
        ("agrees with the owner", _percent(figures.accuracy), f"{interval}of {counted}{kappa}"),
        ("coverage", _percent(figures.coverage), at),
        ("  chance", "50%", ""),
        ("  the best simple rule", _percent(figures.rule_accuracy), against),
        again if figures.self_agreement else (*again[:2], "nothing was asked again"),
    ]


def _habits(figures: Calibration) -> list[Row]:
    counts = {kind: figures.abstentions.get(kind, 0) for kind in ("swapped", "tie", "unscored")}
    none = sum(counts.values()) / figures.cases if figures.cases else None
    rows = [("no verdict", _percent(none), by_kind(counts))]
    if figures.problems:
        total = f"{sum(figures.problems.values()):,}"
        rows.append(("answers without use", total, printable(by_kind(figures.problems))))
    rows += [
        _row("another order, another one", figures.swap, "pair"),
        _row("takes the one shown first", figures.slot, "answer"),
    ]
    name, share, rest = _row("takes the longer one", figures.longer, "verdict")
    if figures.owner_longer is not None:
        rest += f"; the owner {_percent(figures.owner_longer)}"
    rows.append((name, share, rest))
    for certainty, rate in figures.by_certainty.items():
        where = ", certainty unstated" if certainty == UNSTATED else f" where {certainty}"
        rows.append(_row(f"agrees{where}", rate, "verdict"))
    return rows


def _decision(figures: Calibration) -> list[str]:
    gate = figures.gate
    sentences = [f"The gate is {'open' if gate.is_open else 'shut'}: {gate.reason}."]
    if gate.is_open:
        counts = ", ".join(f"{weight:.2f} where {at}" for at, weight in gate.weights.items())
        sentences.append(f"A verdict counts so much of a choice: {counts}.")
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


def by_kind(counts: Mapping[str, int]) -> str:
    """Return how many there are of each kind, by name."""
    return ", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.items()) if n)


def _range(low: float, high: float) -> str:
    return f"({low:.0%} to {high:.0%})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _many(count: int, of: str) -> str:
    return f"{count:,} {of}" if count == 1 else f"{count:,} {of}s"
