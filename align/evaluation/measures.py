"""The rows of a scorecard, taken of what the checkpoints answered. Pure: answers in, rows out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import NamedTuple

from align.evaluation import habit_distance, text_measures
from align.evaluation.evaluation_data import CheckpointAnswers, EvaluationData
from align.evaluation.perplexity import TextLikelihoods, ratio
from align.evaluation.scorecard import Better, HabitRow, Match, Measure, Sample, Step
from align.evaluation.win_rates import agreement, prefer_longer, verdict, win_rate
from align.statistics import paired_difference
from align.text import style

VOICE, SIMULATED, LONGER = "voice judge", "simulated owner", "prefer the longer"
SAMPLES = 10


class TextMeasure(NamedTuple):
    """A measure of each answer by itself; the scorecard shows its mean, and the owner's own."""

    name: str
    better: Better
    of_text: Callable[[str], float]
    meaning: str


TEXT_MEASURES = (
    TextMeasure(
        "repetition",
        "no higher",
        text_measures.repetition,
        "share of three-word runs that stood in the answer before",
    ),
    TextMeasure("words", "as the owner", text_measures.word_count, "words in an answer"),
)


def measures(data: EvaluationData) -> list[Measure]:
    """Return a row for each measure that could be taken."""
    return [measure for measure in _measures(data) if measure is not None]


def _measures(data: EvaluationData) -> Iterator[Measure | None]:
    references = data.references
    yield _habit_measure(data, "distance to the owner's habits", references.like_owner)
    if references.own_register:
        name = "distance to the archive's habits, all registers"
        yield _habit_measure(data, name, references.archive)
    meaning = "log-odds that the owner wrote it, none above the owner's own median"
    yield _mean_measure(data, "voice (log-odds, capped)", "higher", data.capped_odds, None, meaning)
    yield _topic_measure(data)
    for measure in TEXT_MEASURES:
        yield _text_measure(data, measure)
    yield _perplexity_measure(
        data, "perplexity of the owner's text", "lower", lambda answers: answers.owner_text
    )
    yield _perplexity_measure(
        data, "perplexity of neutral text", "no higher", lambda answers: answers.neutral_text
    )
    yield _reward_accuracy(data)


def matches(data: EvaluationData) -> list[Match]:
    """Return every later checkpoint against every earlier one, by every judge there is."""
    simulated = data.references.simulated_verdict
    rows: list[Match] = []
    for before, after in combinations(data.answers, 2):
        first, second = data.answers[after].texts, data.answers[before].texts
        by = {VOICE: _voice_verdicts(data, after, before)}
        if simulated is not None:
            by[SIMULATED] = [
                simulated(case.text, a, b, number)
                for number, (case, a, b) in enumerate(zip(data.cases, first, second, strict=True))
            ]
        by[LONGER] = _longer_verdicts(data, after, before)
        rows += [
            Match(after, before, judge, *win_rate(verdicts, data.repeats))
            for judge, verdicts in by.items()
        ]
    return rows


def longer_agrees(data: EvaluationData) -> tuple[int, int]:
    """Return how often the longer answer is the voice judge's too, of what both decide."""
    columns = list(data.answers)
    if len(columns) < 2:
        return 0, 0
    before, after = columns[-2:]
    return agreement(_voice_verdicts(data, after, before), _longer_verdicts(data, after, before))


def habit_rows(data: EvaluationData) -> list[HabitRow]:
    """Return the rate of each habit for the owner and each checkpoint."""
    own = style.rates(data.references.like_owner)
    by_column = {column: style.rates(answers.texts) for column, answers in data.answers.items()}
    return [
        HabitRow(
            habit.name,
            habit.unit,
            habit.meaning,
            own[habit.name],
            {
                column: rates[habit.name]
                for column, rates in by_column.items()
                if habit.name in rates
            },
            counts=habit.name not in data.references.chosen_by,
        )
        for habit in style.HABITS
        if habit.name in own
    ]


def samples(data: EvaluationData, count: int = SAMPLES) -> list[Sample]:
    """Return answers side by side, at even steps through the cases: by index, not by quality."""
    step = max(1, len(data.cases) // count)
    return [
        Sample(
            data.cases[at].text,
            {column: answers.texts[at] for column, answers in data.answers.items()},
        )
        for at in range(0, len(data.cases), step)
    ][:count]


def _voice_verdicts(data: EvaluationData, first: str, second: str) -> list[float]:
    pairs = zip(data.scored[first], data.scored[second], strict=True)
    return [verdict(a, b) for a, b in pairs]


def _longer_verdicts(data: EvaluationData, first: str, second: str) -> list[float]:
    counts = (
        [text_measures.word_count(text) for text in data.answers[column].texts]
        for column in (first, second)
    )
    return [prefer_longer(a, b) for a, b in zip(*counts, strict=True)]


def _by_prompt(data: EvaluationData, values: Sequence[float]) -> list[float]:
    """Return the mean over seeds for each prompt: answers to one prompt are one case."""
    of_prompt: dict[str, list[float]] = {}
    for case, value in zip(data.cases, values, strict=True):
        of_prompt.setdefault(case.prompt_id, []).append(value)
    return [sum(values) / len(values) for values in of_prompt.values()]


def _mean_measure(
    data: EvaluationData,
    name: str,
    better: Better,
    of_cases: Mapping[str, Sequence[float]],
    owner: float | None,
    meaning: str,
) -> Measure | None:
    if not data.cases:
        return None
    values = {column: _by_prompt(data, by_case) for column, by_case in of_cases.items()}
    steps = []
    for before, after in pairwise(values):
        difference = paired_difference(values[after], values[before], seed=data.seed)
        assert difference is not None
        steps.append(Step(before, after, difference[0], *difference[1]))
    means = {column: sum(by_prompt) / len(by_prompt) for column, by_prompt in values.items()}
    return Measure(name, better, means, owner, tuple(steps), meaning)


def _text_measure(data: EvaluationData, measure: TextMeasure) -> Measure | None:
    name, better, of_text, meaning = measure
    values = {
        column: [of_text(text) for text in answers.texts]
        for column, answers in data.answers.items()
    }
    own = [of_text(text) for text in data.references.like_owner]
    owner = sum(own) / len(own) if own else None
    return _mean_measure(data, name, better, values, owner, meaning)


def _topic_measure(data: EvaluationData) -> Measure | None:
    on_topic = data.references.on_topic
    known = [at for at, case in enumerate(data.cases) if on_topic(case.text, "") is not None]
    if not known:
        return None
    cases = [data.cases[at] for at in known]
    values = {
        column: [float(bool(on_topic(data.cases[at].text, answers.texts[at]))) for at in known]
        for column, answers in data.answers.items()
    }
    meaning = "share of answers that speak of what was asked"
    owner = data.references.owner_on_topic
    return _mean_measure(replace(data, cases=cases), "on topic", "no lower", values, owner, meaning)


def _habit_measure(data: EvaluationData, name: str, own: Sequence[str]) -> Measure | None:
    without = data.references.chosen_by
    values = {}
    for column, answers in data.answers.items():
        distance = habit_distance.habit_distance(own, answers.texts, without)
        if distance is not None:
            values[column] = distance
    if not values:
        return None
    steps = []
    for before, after in pairwise(values):
        first, second = data.answers[before].texts, data.answers[after].texts
        interval = habit_distance.change(own, first, second, seed=data.seed, without=without)
        assert interval is not None
        steps.append(Step(before, after, values[after] - values[before], *interval))
    meaning = "mean total variation over the habits"
    if without:
        meaning += " that the simulated owner does not choose by"
    meaning += "; the owner's own: between halves of their texts"
    floor = habit_distance.floor(own, data.seed, without)
    return Measure(name, "lower", values, floor, tuple(steps), meaning)


def _perplexity_measure(
    data: EvaluationData,
    name: str,
    better: Better,
    likelihoods_of: Callable[[CheckpointAnswers], TextLikelihoods | None],
) -> Measure | None:
    known: dict[str, TextLikelihoods] = {}
    values: dict[str, float] = {}
    for column, answers in data.answers.items():
        likelihoods = likelihoods_of(answers)
        if likelihoods is not None and likelihoods.perplexity is not None:
            known[column], values[column] = likelihoods, likelihoods.perplexity
    if not values:
        return None
    steps = []
    for before, after in pairwise(values):
        change = ratio(known[before], known[after], seed=data.seed)
        assert change is not None
        steps.append(Step(before, after, change[0], *change[1], neutral=1.0))
    return Measure(name, better, values, None, tuple(steps), "exp of the mean surprise a token")


def _reward_accuracy(data: EvaluationData) -> Measure | None:
    values = {
        column: answers.reward_accuracy
        for column, answers in data.answers.items()
        if answers.reward_accuracy is not None
    }
    if not values:
        return None
    meaning = "share of held-out choices that the twin's own preference gets right"
    return Measure("held-out reward accuracy", "higher", values, meaning=meaning)
