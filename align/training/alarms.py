"""What a look at the curves should not miss. Pure: log history in, alarms out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from align.errors import UserError

FALL, FALL_NATS = 0.2, 5.0
SOON, STREAK = 10, 5


@dataclass(frozen=True)
class Alarm:
    """Something alarming in a run."""

    name: str  # which alarm it is; each sounds once a run
    sentence: str  # what is wrong, and what helps
    is_fatal: bool = False  # whether the run is worth nothing any more


def alarms(history: Sequence[Mapping[str, float]], total_steps: int) -> list[Alarm]:
    """Return what is alarming in a run's log so far: TRL's values with `step`, of `total_steps`."""
    sounding = [_not_finite(history), _less_likely(history), _told_at_once(history, total_steps)]
    return [alarm for alarm in sounding if alarm is not None]


def no_number(stage: str, step: int, sentence: str) -> UserError:
    """Return the error of a run whose figures are worth nothing any more."""
    remedy = "Lower learning_rate; in half precision try bf16 instead of fp16"
    return UserError(f"{stage}, step {step}", sentence, remedy)


def _not_finite(history: Sequence[Mapping[str, float]]) -> Alarm | None:
    for entry in history:
        for name in ("loss", "grad_norm"):
            if not math.isfinite(entry.get(name, 0.0)):
                return Alarm("not_a_number", f"{name} is not a number any more", is_fatal=True)
    return None


def _less_likely(history: Sequence[Mapping[str, float]]) -> Alarm | None:
    """Sound where the chosen answers' log-probs fell by a fifth, and by 5 nats."""
    chosen = [entry["logps/chosen"] for entry in history if "logps/chosen" in entry]
    if len(chosen) < 4:
        return None
    first, last = _mean(chosen[:2]), _mean(chosen[-2:])
    if first - last <= max(FALL_NATS, FALL * abs(first)):
        return None
    return Alarm(
        "chosen_less_likely",
        f"the chosen answers grow less likely (logps/chosen {first:.1f} → {last:.1f}): add "
        "the sft term (loss_type: [sigmoid, sft], loss_weights: [1.0, 0.1]) or raise beta",
    )


def _told_at_once(history: Sequence[Mapping[str, float]], total_steps: int) -> Alarm | None:
    """Sound where by step 10 every pair of at least five steps on end was told right.

    One batch of few pairs is all right by chance now and then; five on end are not. A run of
    fewer than ten steps must have been right all through but for its first.
    """
    streak, before = 0, 0
    for entry in history:
        if "rewards/accuracies" not in entry:
            continue
        step = int(entry["step"])
        covered = step - before
        # At the first step policy and reference are one: every reward is 0, and none is larger.
        right = covered - 1 if before == 0 else covered
        if right and entry["rewards/accuracies"] * covered >= right - 1e-3:
            streak += right
        elif before:
            streak = 0
        if step - streak + 1 > SOON - STREAK + 1:
            return None
        if streak >= min(STREAK, total_steps - 1) and streak > 0:
            return Alarm(
                "told_at_once",
                "the chosen answers were told from the rejected ones at once (reward accuracy 1.0 "
                f"within {min(step, SOON)} steps): something trivial may give them away, such as "
                "their length or their source",
            )
        before = step
    return None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
