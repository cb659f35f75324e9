"""Put everything that was measured on one scorecard."""

from importlib.metadata import version

from align import __version__
from align.evaluation.asked import Asked
from align.evaluation.measures import Bench, habit_rows, longer_agrees, matches, measures, samples
from align.evaluation.scorecard import Judge, Scorecard

AGAINST_PEOPLE = "other voices and the base"
AGAINST_BASE = "the base's answers only"


def scorecard_of(asked: Asked, bench: Bench, *, created: str) -> Scorecard:
    """Return the scorecard of what was answered."""
    return Scorecard(
        owner=asked.owner,
        checkpoints={
            word: {"name": each.name, "hash": each.hash} for word, each in asked.checkpoints.items()
        },
        prompts=len(asked.prompts),
        seeds=asked.seeds,
        settings=asked.settings.as_dict(),
        judge=judge_of(bench),
        matches=tuple(matches(bench)),
        measures=tuple(measures(bench)),
        habits=tuple(habit_rows(bench)),
        samples=tuple(samples(bench)),
        longer_agrees=longer_agrees(bench),
        inputs=asked.inputs,
        created=created,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Return the versions that a scorecard depends on."""
    libraries = ("torch", "transformers", "scikit-learn")
    return {"soundalike": __version__, **{name: version(name) for name in libraries}}


def judge_of(bench: Bench) -> Judge:
    """Return what the voice judge is worth."""
    anchors, judge = bench.anchors, bench.judge
    return Judge(
        against=AGAINST_BASE if anchors.judge_is_weak else AGAINST_PEOPLE,
        weak=anchors.judge_is_weak,
        cap=judge.cap,
        cap_from="the owner's own register" if anchors.own_register else "held-out writing",
        separation=judge.separation,
        topic_binds=anchors.topic_binds(),
        repetition_bound=bench.repetition_bound(),
        owner_texts=len(anchors.owner.all),
        other_texts=len(anchors.others),
    )
