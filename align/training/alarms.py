"""What a look at the curves should not miss. Pure: log history in, sentences out."""

import math
from collections.abc import Mapping, Sequence

FALL, FALL_NATS = 0.2, 5.0
AT_ONCE = 0.15


def alarms(history: Sequence[Mapping[str, float]], total_steps: int) -> list[str]:
    """Return what is alarming in a DPO run's log so far, each once.

    Args:
        history: Logged values with `step`, as TRL names them.
        total_steps: Length of the whole run.
    """
    found = []
    chosen = [entry["logps/chosen"] for entry in history if "logps/chosen" in entry]
    if len(chosen) >= 4:
        first, last = _mean(chosen[:2]), _mean(chosen[-2:])
        if first - last > max(FALL_NATS, FALL * abs(first)):
            found.append(
                f"the chosen answers grow less likely (logps/chosen {first:.1f} → {last:.1f}): add "
                "the sft term (loss_type: [sigmoid, sft], loss_weights: [1.0, 0.1]) or raise beta"
            )
    early = [
        entry["rewards/accuracies"]
        for entry in history
        if "rewards/accuracies" in entry and entry["step"] <= max(2, AT_ONCE * total_steps)
    ]
    if len(early) >= 2 and min(early[1:]) >= 0.999:
        found.append(
            "the chosen answers were told from the rejected ones at once (reward accuracy 1.0): "
            "something trivial may give them away, such as their length or their source"
        )
    return found


def not_finite(values: Mapping[str, float]) -> str | None:
    """Return the name of a value that is no finite number, or None."""
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            return name
    return None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
