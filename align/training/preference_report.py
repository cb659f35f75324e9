"""What a DPO run measured, and the lines that say so."""

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


def mix_in_words(run: TrainingRun) -> str:
    """Return how many rows each source gave, and what they weigh together where that differs."""
    weights = run.rows.weights
    return ", ".join(
        f"{count} {source}"
        + ("" if weights[source] == count else f" weighing {weights[source]:.1f}")
        for source, count in run.rows.mix.items()
    )


def report(run: TrainingRun, metrics: dict[str, Any]) -> None:
    """Say how training went, with the interval beside what was measured on few pairs."""
    say(
        f"dpo: {len(run.rows.train)} pairs ({mix_in_words(run)}), {metrics['steps']} steps, "
        f"{duration(metrics['seconds'])}; reference {run.parent.name if run.parent else '?'}"
    )
    say(f"dpo: chosen answers are {longer_by(run.rows.train):+.1f} words longer than rejected ones")
    if metrics["dropped_rows"] or metrics["shortened_rows"]:
        say(
            f"dpo: {metrics['shortened_rows']} prompts lost their oldest turns to max_length, "
            f"{metrics['dropped_rows']} pairs were left out"
        )
    if "last_loss" in metrics:
        say(f"dpo: loss {metrics['first_loss']:.3f} → {metrics['last_loss']:.3f}")
    if metrics.get("reward_accuracy_interval"):
        low, high = metrics["reward_accuracy_interval"]
        say(
            f"dpo: reward accuracy on {metrics['held_out_pairs']} held-out pairs "
            f"{metrics['reward_accuracy']:.2f} ({low:.2f}-{high:.2f})"
            + (", not told from chance" if low <= 0.5 <= high else "")
        )
