"""Before the first step policy and reference are the same model; if not, stop and say so."""

from collections.abc import Sequence

from align.errors import UserError

TOLERANCE = 1e-4


def check_reference(
    chosen_rewards: Sequence[float], rejected_rewards: Sequence[float], *, reference: str
) -> None:
    """Stop a run whose reference is not the model it starts from.

    At step 0 every reward, beta * (log pi - log pi_ref) (Rafailov et al. 2023, eq. 5), is zero,
    and with it every margin; the sigmoid loss is ln 2. The logged loss would hide it: other terms
    are in it.

    Args:
        chosen_rewards: Of the first micro-batch, (B,).
        rejected_rewards: The same, (B,).
        reference: What the reference should be, for the message.

    Raises:
        UserError: A reward or a margin is 1e-4 or more, or not a number.
    """
    rewards = [*chosen_rewards, *rejected_rewards]
    margins = [c - r for c, r in zip(chosen_rewards, rejected_rewards, strict=True)]
    worst = max((abs(value) for value in [*rewards, *margins]), default=0.0)
    if all(abs(value) < TOLERANCE for value in [*rewards, *margins]):
        return
    raise UserError(
        "dpo, step 0",
        f"policy and reference differ before training (largest |reward| or margin {worst:.4g}, "
        f"not below {TOLERANCE:g}), so the reference is not {reference}",
        "With dropout set disable_dropout: true; else this is a bug worth reporting",
    )


def check_cached(cached: Sequence[float], live: Sequence[float], *, half: bool) -> None:
    """Stop where precomputed reference log-probs are another model's than the reference's.

    Padding moves float sums a little, in half precision more; a wrong model moves them by nats.
    """
    slack = 0.02 if half else 0.001
    for old, new in zip(cached, live, strict=True):
        if not abs(old - new) <= slack * (1 + abs(new)):
            raise UserError(
                "dpo, step 0",
                f"the cached log-probs of the reference are not its own ({old:.4f}, now {new:.4f})",
                "Remove the run's work folder under checkpoints, and repeat",
            )
