"""The scorecard: rows in words, as a page and as JSON."""

import json
from dataclasses import replace

import pytest

from align.evaluation import scorecard_files
from align.evaluation.evaluation_data import Case, CheckpointAnswers, EvaluationData
from align.evaluation.measures import (
    LONGER,
    SIMULATED,
    VOICE,
    habit_rows,
    matches,
    measures,
    samples,
)
from align.evaluation.owner_texts import OwnerTexts
from align.evaluation.perplexity import TextLikelihoods
from align.evaluation.reference_texts import ReferenceTexts
from align.evaluation.report import headline, markdown, next_steps, terminal
from align.evaluation.scorecard import Judge, Match, Measure, Scorecard, Step, from_json
from align.evaluation.voice_judge import PromptedText, fit_judge
from align.evaluation.win_rates import win_rate

OWNER = [f"well, i like the {x}... i suppose" for x in ("sea", "pier", "boat", "rain")] * 8
PLAIN = [f"The {x} is a good thing to have." for x in ("sea", "pier", "boat", "rain")] * 8
ASKED = [f"Do you like the {x}?" for x in ("sea", "pier", "boat", "rain")] * 8


def data_of(**changes: object) -> EvaluationData:
    own = tuple(PromptedText(text, asked) for text, asked in zip(OWNER, ASKED, strict=True))
    references = ReferenceTexts(
        OwnerTexts(own), OwnerTexts(own), others=[PromptedText(text) for text in PLAIN],
        simulated_verdict=lambda prompt, first, second, case: float("..." in first),
    )  # fmt: skip
    cases = [Case(f"p{i}", asked, 0) for i, asked in enumerate(ASKED)]
    answers = {
        "base": CheckpointAnswers(PLAIN, TextLikelihoods((-9.0, -8.0), (3, 3))),
        "sft": CheckpointAnswers([*OWNER[:16], *PLAIN[16:]], TextLikelihoods((-6.0, -6.0), (3, 3))),
        "dpo": CheckpointAnswers(OWNER, None, None, 0.61),
    }
    judge = fit_judge(
        own, [PromptedText(text) for text in PLAIN], own, [PromptedText(t) for t in PLAIN]
    )
    return replace(EvaluationData(cases, answers, references, judge), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def card() -> Scorecard:
    measured = data_of()
    return Scorecard(
        owner="ann",
        checkpoints={w: {"name": w, "hash": "0" * 64} for w in ("base", "sft", "dpo")},
        prompts=32, seeds=(0,), settings={"temperature": 1.0},
        judge=Judge("the base's answers", True, 1.5, "held-out writing", None, True, 0.15, 9, 0),
        matches=tuple(matches(measured)), measures=tuple(measures(measured)),
        habits=tuple(habit_rows(measured)), samples=tuple(samples(measured)),
        inputs="abc", created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def test_every_later_checkpoint_meets_every_earlier_one_before_every_judge(card: Scorecard) -> None:
    assert [(m.first, m.second, m.by) for m in card.matches] == [
        (first, second, by)
        for first, second in (("sft", "base"), ("dpo", "base"), ("dpo", "sft"))
        for by in (VOICE, SIMULATED, LONGER)
    ]


def test_equal_answers_tie_and_better_ones_win(card: Scorecard) -> None:
    match = card.match("dpo", "sft", VOICE)
    assert match is not None
    assert (match.wins, match.ties, match.losses) == (16, 16, 0)
    assert match.rate == 0.75
    assert match.in_words == "dpo wins"


def test_an_off_topic_answer_can_not_win() -> None:
    off = [text.replace("sea", "x").replace("pier", "x").replace("boat", "x").replace("rain", "x")
           for text in OWNER]  # fmt: skip
    measured = data_of(answers={"base": CheckpointAnswers(PLAIN), "off": CheckpointAnswers(off)})
    match = matches(measured)[0]
    assert (match.wins, match.losses) == (0, 32)


def test_a_repetitive_answer_can_not_win() -> None:
    again = [f"{text} {text} {text}" for text in OWNER]
    match = matches(
        data_of(answers={"base": CheckpointAnswers(PLAIN), "again": CheckpointAnswers(again)})
    )[0]
    assert (match.wins, match.losses) == (0, 32)


def test_the_topic_binds_only_where_the_owner_keeps_to_it() -> None:
    terse = OwnerTexts(tuple(PromptedText("no idea...", asked) for asked in ASKED))
    references = replace(data_of().references, owner=terse, held_out=terse)
    assert data_of().references.topic_binds()
    assert not references.topic_binds()


def test_what_was_not_measured_is_absent_and_not_zero(card: Scorecard) -> None:
    owner_text = card.measure("perplexity of the owner's text")
    assert owner_text is not None
    assert set(owner_text.values) == {"base", "sft"}
    assert card.measure("perplexity of neutral text") is None
    accuracy = card.measure("held-out reward accuracy")
    assert accuracy is not None
    assert accuracy.values == {"dpo": 0.61}
    line = next(row for row in terminal(card).splitlines() if "reward accuracy" in row)
    assert line.split()[3:7] == ["-", "-", "-", "0.610"]


def test_differences_inside_the_noise_are_said_to_be_so() -> None:
    step = Step("sft", "dpo", 0.01, -0.02, 0.04)
    assert Measure("x", "higher", {}, steps=(step,)).in_words() == "dpo: inside the noise"
    clear = replace(step, low=0.005)
    assert Measure("x", "higher", {}, steps=(clear,)).in_words() == "dpo: better"
    assert Measure("x", "lower", {}, steps=(clear,)).in_words() == "dpo: worse"
    ratio = Step("sft", "dpo", 1.1, 1.05, 1.2, neutral=1.0)
    assert Measure("x", "no higher", {}, steps=(ratio,)).in_words() == "dpo: worse"
    near = Measure("x", "as the owner", {"sft": 30, "dpo": 40}, 42, (replace(clear, change=10),))
    assert near.in_words() == "dpo: nearer to the owner"
    assert Match("dpo", "sft", VOICE, *win_rate([1] * 11 + [0] * 9)).in_words == "inside the noise"
    assert Match("dpo", "sft", VOICE, *win_rate([])).in_words == "nothing to compare"


def test_habits_show_the_owner_beside_each_checkpoint(card: Scorecard) -> None:
    row = next(row for row in card.habits if row.name == "ellipses")
    assert row.values["base"] == 0
    assert row.values["dpo"] == pytest.approx(row.owner)
    assert row.owner > 0


def test_habits_that_the_simulated_owner_chooses_by_are_marked(card: Scorecard) -> None:
    assert "\n* The simulated owner" not in terminal(card)
    references = replace(data_of().references, chosen_by=frozenset({"ellipses"}))
    marked = replace(card, habits=tuple(habit_rows(data_of(references=references))))
    assert "ellipses * (in 100 words)" in terminal(marked)
    assert "\n* The simulated owner" in terminal(marked)


def test_samples_are_chosen_by_index(card: Scorecard) -> None:
    assert len(card.samples) == 10
    assert [sample.prompt for sample in card.samples] == ASKED[0:30:3]


def test_json_comes_back_as_it_was(card: Scorecard) -> None:
    assert from_json(card.to_json()) == card
    json.loads(card.to_json())


def test_the_page_shows_answers_as_data(card: Scorecard) -> None:
    hostile = "<script>a</script> | [x](javascript:1) \x1b[31m **b**\n\n# c"
    sample = replace(card.samples[0], answers={"base": hostile, "sft": "", "dpo": "ok"})
    page = markdown(replace(card, samples=(sample,)))
    assert "<script>" not in page
    assert "\x1b" not in page
    assert r"\[x\]" in page
    row = next(line for line in page.splitlines() if "script" in line)
    assert row.count(" | ") == 2


def test_a_weak_judge_is_called_weak(card: Scorecard) -> None:
    assert "weak judge" in terminal(card)
    assert "weak judge" in markdown(card)
    strong = replace(card, judge=replace(card.judge, weak=False))
    assert "weak judge" not in terminal(strong)


def test_the_last_lines_say_what_improved_and_what_to_type(card: Scorecard) -> None:
    assert headline(card)[1].startswith("dpo sounds more like the owner than sft in 75 %")
    assert any("make chat OWNER=ann" in line for line in next_steps(card))
    demo = next_steps(replace(card, owner="demo"))
    assert any("make ingest OWNER=me FROM=~/my-writing" in line for line in demo)


@pytest.mark.usefixtures("root")
def test_scorecards_are_numbered_kept_and_found_by_their_inputs(card: Scorecard) -> None:
    first = scorecard_files.save("ann", card)
    second = scorecard_files.save("ann", replace(card, inputs="def"))
    assert (first.name, second.name) == ("001-dpo", "002-dpo")
    assert scorecard_files.find("ann", "abc") == first
    assert scorecard_files.find("ann", "nothing") is None
    assert scorecard_files.read(first) == card
    link = first.parent.parent / "scorecard"
    assert link.resolve() == second.resolve()
    assert not [path for path in first.parent.iterdir() if path.name.startswith(".")]
