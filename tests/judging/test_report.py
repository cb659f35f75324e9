"""What the terminal shows of a calibration."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from align.choices.verdicts import Judgement
from align.judging.calibration import Case, calibrate
from align.judging.report import lines
from tests.judging.cases import KINDS, Kind, case, simulated


def shown(
    cases: Sequence[Case], *, attempts: int = 1, again: tuple[int, int] | None = (15, 18),
    model: str = "claude-haiku-5-5",
) -> str:  # fmt: skip
    figures = calibrate(cases, self_agreement=again, attempts=attempts)
    return "\n".join(lines(figures, judge="claude", model=model))


def good(n: int = 40) -> list[Case]:
    """Three of four agree, half of them on the shorter answer."""
    return [
        case(k, "a" if k % 4 else "b", longer="a" if k % 2 else "b", certainty="medium")
        for k in range(n)
    ]


def test_an_open_gate_is_told_with_its_figures() -> None:
    # 30 of 40: 1.96 gives .5981 to .8581; The owner takes the longer one
    # where k is odd.
    text = shown(good())
    assert "claude claude-haiku-5-5 against 40 choices of the owner's, on 40 prompts" in text
    assert "75%  (60% to 86%) of 40 verdicts; kappa 0.00" in text
    assert "100%  a verdict, on 40 of 40" in text
    assert re.search(
        r"on the same pairs; mostly the (longer|shorter) answer; the judge is [+]", text
    )
    assert "83%  (61% to 94%) of 18 pairs" in text
    assert "The gate is open" in text
    assert "medium" in text
    # 31/42 against 24/28: (20/42) / (20/28).
    assert "A verdict counts so much of a choice: 0.67 where medium." in text
    assert "judges were tried" not in text


def test_a_shut_gate_says_how_many_more_choices_would_tell() -> None:
    text = shown(good(8))
    assert "The gate is shut: 8 choices with a winner are too few; 20 are needed." in text
    assert "About 12 more choices with a winner are needed." in text


def test_a_hopeless_judge_is_not_blamed_on_few_choices() -> None:
    text = shown([case(n, "b") for n in range(40)])
    assert "More choices would not help as it stands" in text


def test_verdicts_that_hang_together_are_said_to_be_worth_fewer() -> None:
    # Three of four prompts all right, of three pairs each: 60 verdicts are worth 20.
    cases = [
        case(k, "a" if k // 3 % 4 else "b", longer="ab"[k % 2], prompt=k // 3)  # type: ignore[arg-type]
        for k in range(60)
    ]
    assert "of 60 verdicts, worth 20 on prompts of their own" in shown(cases)


def test_choices_that_were_made_elsewhere_or_name_no_winner_are_called_so() -> None:
    cases = [replace(each, is_imported=n < 10) for n, each in enumerate(good())]
    cases += [case(90 + n, "a", chosen=None, certainty="medium") for n in range(3)]
    assert "against 43 choices of the owner's (10 imported, 3 of both or neither)" in shown(cases)
    cases = [replace(each, is_imported=True) for each in good()]
    assert "against 40 choices of the owner's (imported)" in shown(cases)


def test_a_judge_that_always_says_neither_is_not_said_to_swap() -> None:
    text = shown([case(n, "tie") for n in range(119)])
    assert "it says that neither sounds more like the owner" in text
    assert "the same both ways round" not in text


def test_other_attempts_are_named() -> None:
    assert "3 judges were tried for this owner" in shown(good(), attempts=3)


def test_what_could_not_be_used_is_named_by_kind() -> None:
    cases = good()
    cases[0] = replace(
        cases[0], ab=Judgement(None, None, "refused"), ba=Judgement(None, None, "malformed")
    )
    cases[1] = replace(cases[1], ba=Judgement("b", "high"))
    text = shown(cases)
    assert "1 swapped, 1 unscored" in text
    assert "1 malformed, 1 refused" in text


def test_what_is_unknown_is_a_dash() -> None:
    text = shown([], again=None)
    assert "0%" not in text.replace("50%", "")
    assert "nothing was asked again" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attempts", [1, 12])
def test_it_fits_a_terminal(kind: Kind, attempts: int) -> None:
    cases = simulated(kind, 120, 1, a_prompt=2)
    cases[0] = replace(cases[0], ab=Judgement(None, None, "refused"))
    cases[1] = replace(cases[1], ab=Judgement("a", None), ba=Judgement("a", None))
    text = shown(cases, attempts=attempts).split("\n")
    assert len(text) <= 24
    assert max(map(len, text)) <= 120


def test_names_cannot_command_the_terminal() -> None:
    assert "\x1b" not in shown(good(), model="local\x1b[2J")


def test_it_holds_no_id() -> None:
    text = shown(good())
    assert "pair 00" not in text
    assert "prompt 1" not in text
