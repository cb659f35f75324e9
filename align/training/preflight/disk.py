"""Room on the disk for what a run saves."""

from align.paths import checkpoints_dir, relative_to_root
from align.training.preflight.findings import Finding, fine, wrong
from align.training.preflight.machine import free_disk, size_words
from align.training.preflight.memory import trained_weights
from align.training.preflight.shapes import ModelShape
from align.training.preflight.work import Work

_SAVES = 2
# Tokenizer, log and lineage.
_BESIDE = 50_000_000


def room(owner: str, shape: ModelShape | None, work: Work, saves: int | None) -> list[Finding]:
    """Return whether the saves on the way and the twin find room where checkpoints lie.

    A save holds what is trained and the optimiser's two numbers of each, one more is written
    before the oldest goes, and the twin comes last.

    Args:
        owner: Whose twin.
        shape: Of the base; None where it is unknown.
        work: What the run does.
        saves: How many are kept (`save_total_limit`); 0 for none.
    """
    folder = checkpoints_dir(owner)
    free = free_disk(folder)
    if shape is None:
        return [fine("disk", f"{size_words(free)} free for {relative_to_root(folder)}")]
    one = trained_weights(shape, work) * 4
    kept = 3 * one * ((_SAVES if saves is None else saves) + 1 if saves != 0 else 0)
    need = kept + one + _BESIDE
    said = f"saves and twin take up to {size_words(need)}, {size_words(free)} are free"
    if need > free:
        return [wrong("disk", said, "Make room, or say --save_total_limit 1")]
    return [fine("disk", said)]
