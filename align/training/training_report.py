"""What a run measured, and the lines that say so."""

from collections.abc import Sequence
from typing import Any

from align.console import duration, say
from align.statistics import wilson
from align.training.prepared_run import TrainingRun


def pair_metrics(rewards: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return reward accuracy with its 95 % interval, and the mean margin, of held-out pairs.

    Rewards are (chosen, rejected) of each pair; a tie is no hit.
    """
    if not rewards:
        return {}
    hits = sum(chosen > rejected for chosen, rejected in rewards)
    interval = wilson(hits, len(rewards))
    return {
        "held_out_pairs": len(rewards),
        "reward_accuracy": hits / len(rewards),
        "reward_accuracy_interval": list(interval) if interval else None,
        "reward_margin": sum(chosen - rejected for chosen, rejected in rewards) / len(rewards),
    }


def longer_by(rows: Sequence[dict[str, Any]]) -> float:
    """Return by how many words the chosen answers are longer than the rejected, on average."""
    total = sum(len(row["chosen"].split()) - len(row["rejected"].split()) for row in rows)
    return total / len(rows)


def report(run: TrainingRun, metrics: dict[str, Any]) -> None:
    """Say how training went, with the interval beside what was measured on few pairs."""
    what = "pairs" if run.stage == "dpo" else "rows"
    reference = f"; reference {run.parent.name}" if run.parent else ""
    say(
        f"{run.stage}: {len(run.rows.train)} {what} ({_mix(run)}), {metrics['steps']} steps, "
        f"{duration(metrics['seconds'])}{reference}"
    )
    if run.stage == "dpo":
        longer = longer_by(run.rows.train)
        say(f"dpo: chosen answers are {longer:+.1f} words longer than rejected ones")
    if metrics["dropped_rows"] or metrics["shortened_rows"]:
        shortened, dropped = ("prompts", "pairs were") if run.stage == "dpo" else ("rows", "were")
        say(
            f"{run.stage}: {metrics['shortened_rows']} {shortened} lost their oldest turns to "
            f"max_length, {metrics['dropped_rows']} {dropped} left out"
        )
    if "last_loss" in metrics:
        held_out = (
            f", held out {metrics['held_out_loss']:.3f}" if "held_out_loss" in metrics else ""
        )
        first, last = metrics["first_loss"], metrics["last_loss"]
        say(f"{run.stage}: loss {first:.3f} → {last:.3f}{held_out}")
    if metrics.get("reward_accuracy_interval"):
        low, high = metrics["reward_accuracy_interval"]
        say(
            f"dpo: reward accuracy on {metrics['held_out_pairs']} held-out pairs "
            f"{metrics['reward_accuracy']:.2f} ({low:.2f}-{high:.2f})"
            + (", not told from chance" if low <= 0.5 <= high else "")
        )


def _mix(run: TrainingRun) -> str:
    """Return how many rows each source gave, and what they weigh together where that differs."""
    weights = run.rows.weights
    return ", ".join(
        f"{count} {source}"
        + ("" if weights[source] == count else f" weighing {weights[source]:.1f}")
        for source, count in run.rows.mix.items()
    )
