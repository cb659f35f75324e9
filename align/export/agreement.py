"""Whether an exported model still says what its checkpoint says: logits, side by side."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# Half the distance between neighbouring numbers, relative to them: 2**-p with p significant bits.
UNIT = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
# What is left of training must be more than what the export adds to it.
_LOST = 0.5
# Two largest differences of the same distribution differ by less than that.
_MARGIN = 3.0
# Both sides compute in float32, but add up in another order: the product of base and adapter is
# one matrix on one side and three on the other.
_ARITHMETIC = 1e-4


@dataclass(frozen=True)
class Agreement:
    """How near the exported model's logits are to the checkpoint's."""

    prompts: int  # how many were compared, at each of their tokens
    largest: float  # largest difference of a logit
    same_next: float  # share of positions with the same likeliest token
    tolerance: float  # how far rounding the weights may move them (`tolerance`)
    # Of what training changed in the logits, the share that the export changes again (root mean
    # square over root mean square); None where there is no base to compare with.
    lost: float | None = None

    @property
    def holds(self) -> bool:
        """Tell whether the export is the checkpoint's model."""
        is_near = math.isfinite(self.largest) and self.largest <= self.tolerance
        return is_near and (self.lost is None or self.lost < _LOST)

    def __str__(self) -> str:
        """Say it in one line."""
        lost = "" if self.lost is None else f"; {self.lost:.1%} of what training changed is lost"
        return (
            f"{self.prompts} prompts: logits differ by {self.largest:.2g} at most "
            f"(tolerance {self.tolerance:.2g}), same next token at {self.same_next:.1%}{lost}"
        )


def tolerance(noise: float, magnitude: float) -> float:
    """Return how far logits may move by rounding a model's weights to a type.

    How much a model makes of an error in its weights differs a hundredfold between models, so it is
    measured: merging rounds each weight by up to u of itself (`UNIT`), and so the model is asked
    again with such an error drawn for every weight (`rounded_anew`). `noise` is the largest
    difference of a logit that those errors make; the largest magnitude of a logit decides the error
    of the arithmetic alone.
    """
    return _MARGIN * noise + _ARITHMETIC * magnitude


def rounded_anew(model: Any, dtype: str) -> Any:
    """Return the model, each weight moved by an error as rounding to a type makes it, in place."""
    import torch

    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        # In parts: the embeddings of a large vocabulary take gigabytes by themselves.
        for part in weight.data.view(-1).split(2**24):
            error = torch.rand(len(part), generator=generator).mul_(2).sub_(1)
            part.mul_(error.mul_(UNIT[dtype]).add_(1).to(part.device))
    return model


def logits(model: Any, prompts: Sequence[Sequence[int]]) -> Iterator[Any]:
    """Yield each prompt's logits, (T, V) in float32 on the CPU; one by one: nothing is padded."""
    import torch

    with torch.inference_mode():
        for ids in prompts:
            prompt = torch.tensor([list(ids)], device=model.device)
            yield model(input_ids=prompt).logits[0].float().cpu()


def agreement(
    checkpoint: Sequence[Any],
    exported: Sequence[Any],
    noisy: Iterable[Any],
    trained: Sequence[float] | None,
) -> Agreement:
    """Compare a checkpoint's logits with the exported model's, prompt by prompt; each is (T, V).

    `noisy` are the exported model's, its weights rounded anew; `trained` the sums of squares by
    which training moved the base's, None where there is no base.
    """
    largest = noise = magnitude = moved = 0.0
    positions = same = 0
    for ours, theirs, shaken in zip(checkpoint, exported, noisy, strict=True):
        largest = max(largest, _largest(theirs - ours))
        noise = max(noise, _largest(shaken - theirs))
        magnitude = max(magnitude, _largest(ours))
        moved += float((theirs - ours).square().sum())
        positions += len(ours)
        same += int((theirs.argmax(-1) == ours.argmax(-1)).sum())
    total = sum(trained) if trained else 0.0
    lost = math.sqrt(moved / total) if total else None
    allowed = tolerance(noise, magnitude)
    return Agreement(len(checkpoint), largest, same / positions, allowed, lost)


def _largest(values: Any) -> float:
    # A NaN must not hide behind a comparison: max() of Python would pass over it.
    largest = float(values.abs().max())
    return largest if math.isfinite(largest) else math.inf
