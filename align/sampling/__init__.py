"""Draw pairs of answers from a checkpoint: two to a prompt, for the owner to choose between.

A pair whose answers are empty or next to identical teaches nothing, so it is drawn again a few
times, then left out and counted. Every answer is stored as it comes: what was drawn for this
checkpoint, seed and settings is never drawn again, however many processes draw.
"""

from align.sampling.pair_generation import (
    draw_against_records,
    draw_pairs,
    generate,
    store_as_they_come,
)
from align.sampling.sampling_plan import (
    ATTEMPTS,
    Drawn,
    Plan,
    Sampling,
    Slot,
    choose_slots,
    drawn,
    held_out_prompts,
    make_plan,
    sampling_of,
    training_prompts,
    unanswered,
)

__all__ = [
    "ATTEMPTS",
    "Drawn",
    "Plan",
    "Sampling",
    "Slot",
    "choose_slots",
    "draw_against_records",
    "draw_pairs",
    "drawn",
    "generate",
    "held_out_prompts",
    "make_plan",
    "sampling_of",
    "store_as_they_come",
    "training_prompts",
    "unanswered",
]
