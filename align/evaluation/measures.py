"""Take every measure of what the checkpoints answered: answers and anchors in, rows out. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, pairwise

from align.evaluation import coherence
from align.evaluation import habit_distance as habits
from align.evaluation.lengths import lengths
from align.evaluation.perplexity import Surprise, ratio
from align.evaluation.reference_texts import Anchors
from align.evaluation.repetition import repetition
from align.evaluation.scorecard import Better, HabitRow, Match, Measure, Sample, Step
from align.evaluation.voice_judge import VoiceJudge, Written
from align.evaluation.win_rates import Standing, agreement, prefer_longer, verdict, win_rate
from align.statistics import paired_difference, quantile
from align.text import style

VOICE, SIMULATED, LONGER = "voice judge", "simulated owner", "prefer the longer"
# An answer that says more than this share again is no win, unless the owner does so himself.
REPETITIVE = 0.15
SAMPLES = 10


@dataclass(frozen=True)
class Case:
    """One prompt with one seed; `text` is what is to be answered."""

    prompt_id: str
    text: str
    seed: int


@dataclass(frozen=True)
class Answered:
    """What one checkpoint did: its answers by case, and its surprise at given texts."""

    texts: Sequence[str]
    owner_text: Surprise | None = None
    neutral_text: Surprise | None = None
    reward_accuracy: float | None = None


@dataclass(frozen=True)
class Bench:
    """All that the measures need; columns stand in the order of training."""

    cases: Sequence[Case]
    answered: Mapping[str, Answered]
    anchors: Anchors
    judge: VoiceJudge
    seed: int = 0

    @property
    def repeats(self) -> int:
        """Return how many seeds each prompt was answered with."""
        return len({case.seed for case in self.cases}) or 1

    @cached_property
    def capped(self) -> dict[str, list[float]]:
        """Return each column's capped log-odds, by case."""
        return {
            name: self.judge.capped(
                [
                    Written(text, case.text)
                    for text, case in zip(each.texts, self.cases, strict=True)
                ]
            )
            for name, each in self.answered.items()
        }

    @cached_property
    def standings(self) -> dict[str, list[Standing]]:
        """Return each column's answers as the voice judge sees them, by case."""
        bound, binds = self.repetition_bound(), self.anchors.topic_binds()
        return {
            name: [
                Standing(score, _sound(self, case, text, bound, binds))
                for case, text, score in zip(self.cases, each.texts, self.capped[name], strict=True)
            ]
            for name, each in self.answered.items()
        }

    def repetition_bound(self) -> float:
        """Return the repetition above which an answer can't win: the owner's own most, or ours."""
        own = sorted(repetition(text) for text in self.anchors.like_owner)
        return max(REPETITIVE, quantile(own, 0.99)) if own else REPETITIVE


def matches(bench: Bench) -> list[Match]:
    """Return every later checkpoint against every earlier one, by every judge there is."""
    found: list[Match] = []
    for before, after in combinations(bench.answered, 2):
        by: dict[str, list[float]] = {
            VOICE: [
                verdict(a, b)
                for a, b in zip(bench.standings[after], bench.standings[before], strict=True)
            ]
        }
        first, second = bench.answered[after].texts, bench.answered[before].texts
        if bench.anchors.simulated is not None:
            by[SIMULATED] = [
                bench.anchors.simulated(case.text, a, b, number)
                for number, (case, a, b) in enumerate(zip(bench.cases, first, second, strict=True))
            ]
        by[LONGER] = [
            prefer_longer(a, b) for a, b in zip(lengths(first), lengths(second), strict=True)
        ]
        for judge, verdicts in by.items():
            found.append(Match.of(after, before, judge, win_rate(verdicts, bench.repeats)))
    return found


def longer_agrees(bench: Bench) -> tuple[int, int]:
    """Return how often the longer answer is the voice judge's too, of what both decide."""
    columns = list(bench.answered)
    if len(columns) < 2:
        return 0, 0
    before, after = columns[-2:]
    pairs = zip(bench.standings[after], bench.standings[before], strict=True)
    voice = [verdict(a, b) for a, b in pairs]
    first, second = bench.answered[after].texts, bench.answered[before].texts
    longer = [prefer_longer(a, b) for a, b in zip(lengths(first), lengths(second), strict=True)]
    return agreement(voice, longer)


def measures(bench: Bench) -> list[Measure]:
    """Return a row for each measure that could be taken."""
    anchors = bench.anchors
    own = anchors.like_owner
    told = [w for w in (*anchors.owner.answers, *anchors.held_out.answers) if w.prompt]
    rows = [
        _habit_measure(bench, "distance to the owner's habits", own),
        _mean_measure(
            bench,
            "voice (log-odds, capped)",
            "higher",
            bench.capped,
            None,
            "log-odds that the owner wrote it, none above the owner's own median",
        ),
        _topic_measure(bench, coherence.share([anchors.on_topic(w.prompt, w.text) for w in told])),
        _mean_measure(
            bench,
            "repetition",
            "no higher",
            {
                name: [repetition(text) for text in each.texts]
                for name, each in bench.answered.items()
            },
            _mean([repetition(text) for text in own]),
            "share of three-word runs that stood in the answer before",
        ),
        _mean_measure(
            bench,
            "words",
            "as the owner",
            {name: lengths(each.texts) for name, each in bench.answered.items()},
            _mean([float(n) for n in lengths(own)]),
            "words in an answer",
        ),
        _surprise_measure(
            bench, "perplexity of the owner's text", "lower", lambda each: each.owner_text
        ),
        _surprise_measure(
            bench, "perplexity of neutral text", "no higher", lambda each: each.neutral_text
        ),
        _reward_accuracy(bench),
    ]
    if anchors.own_register:
        archive = "distance to the archive's habits, all registers"
        rows.insert(1, _habit_measure(bench, archive, anchors.archive))
    return [row for row in rows if row is not None]


def habit_rows(bench: Bench) -> list[HabitRow]:
    """Return the rate of each habit for the owner and each checkpoint."""
    own = style.rates(bench.anchors.like_owner)
    theirs = {name: style.rates(each.texts) for name, each in bench.answered.items()}
    return [
        HabitRow(
            habit.name,
            habit.unit,
            habit.meaning,
            own[habit.name],
            {name: rates[habit.name] for name, rates in theirs.items() if habit.name in rates},
            counts=habit.name not in bench.anchors.chosen_by,
        )
        for habit in style.HABITS
        if habit.name in own
    ]


def samples(bench: Bench, count: int = SAMPLES) -> list[Sample]:
    """Return answers side by side, at even steps through the cases: by index, not by quality."""
    step = max(1, len(bench.cases) // count)
    return [
        Sample(
            bench.cases[at].text,
            {name: each.texts[at] for name, each in bench.answered.items()},
        )
        for at in range(0, len(bench.cases), step)
    ][:count]


def _sound(bench: Bench, case: Case, text: str, bound: float, topic_binds: bool) -> bool:
    if not text.strip() or repetition(text) > bound:
        return False
    return not topic_binds or bench.anchors.on_topic(case.text, text) is not False


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _by_prompt(bench: Bench, values: Sequence[float]) -> list[float]:
    """Return the mean over seeds for each prompt: answers to one prompt are one case."""
    found: dict[str, list[float]] = {}
    for case, value in zip(bench.cases, values, strict=True):
        found.setdefault(case.prompt_id, []).append(value)
    return [sum(each) / len(each) for each in found.values()]


def _mean_measure(
    bench: Bench,
    name: str,
    better: Better,
    of_cases: Mapping[str, Sequence[float]],
    owner: float | None,
    meaning: str,
) -> Measure | None:
    if not bench.cases:
        return None
    values = {column: _by_prompt(bench, each) for column, each in of_cases.items()}
    steps = []
    for before, after in pairwise(values):
        found = paired_difference(values[after], values[before], seed=bench.seed)
        assert found is not None
        steps.append(Step(before, after, found[0], *found[1]))
    means = {column: sum(each) / len(each) for column, each in values.items()}
    return Measure(name, better, means, owner, tuple(steps), meaning)


def _topic_measure(bench: Bench, owner: float | None) -> Measure | None:
    speaks = bench.anchors.on_topic
    known = [at for at, case in enumerate(bench.cases) if speaks(case.text, "") is not None]
    if not known:
        return None
    cases = [bench.cases[at] for at in known]
    kept = {
        name: [float(bool(speaks(bench.cases[at].text, each.texts[at]))) for at in known]
        for name, each in bench.answered.items()
    }
    meaning = "share of answers that speak of what was asked"
    return _mean_measure(replace(bench, cases=cases), "on topic", "no lower", kept, owner, meaning)


def _habit_measure(bench: Bench, name: str, own: Sequence[str]) -> Measure | None:
    without = bench.anchors.chosen_by
    apart = {
        column: habits.habit_distance(own, each.texts, without)
        for column, each in bench.answered.items()
    }
    values = {column: each.total for column, each in apart.items() if each is not None}
    if not values:
        return None
    steps = []
    for before, after in pairwise(values):
        first, second = bench.answered[before].texts, bench.answered[after].texts
        interval = habits.change(own, first, second, seed=bench.seed, without=without)
        assert interval is not None
        steps.append(Step(before, after, values[after] - values[before], *interval))
    meaning = "mean total variation over the habits"
    if without:
        meaning += " that the simulated owner does not choose by"
    meaning += "; the owner's own: between halves of his texts"
    floor = habits.floor(own, bench.seed, without)
    return Measure(name, "lower", values, floor, tuple(steps), meaning)


def _surprise_measure(
    bench: Bench, name: str, better: Better, of: Callable[[Answered], Surprise | None]
) -> Measure | None:
    found = {column: of(each) for column, each in bench.answered.items()}
    known = {column: each for column, each in found.items() if each is not None}
    values = {c: p for c, each in known.items() if (p := each.perplexity) is not None}
    if not values:
        return None
    steps = []
    for before, after in pairwise(values):
        change = ratio(known[before], known[after], seed=bench.seed)
        assert change is not None
        steps.append(Step(before, after, change[0], *change[1], neutral=1.0))
    return Measure(name, better, values, None, tuple(steps), "exp of the mean surprise a token")


def _reward_accuracy(bench: Bench) -> Measure | None:
    values = {
        column: each.reward_accuracy
        for column, each in bench.answered.items()
        if each.reward_accuracy is not None
    }
    if not values:
        return None
    meaning = "share of held-out choices that the twin's own preference gets right"
    return Measure("held-out reward accuracy", "higher", values, meaning=meaning)
