"""Whether the reference of a DPO run will be right: a twin of this base, whole, and what it is."""

from align.models.checkpoints import Checkpoint
from align.models.lineage import has_weights
from align.training.preflight.findings import Finding, fine, look, wrong


def reference(parent: Checkpoint) -> list[Finding]:
    """Return whether the twin that dpo starts from can be its reference.

    Resolving it has checked already that its weights are those of its lineage, and that its base
    is the one that it was trained on.

    Args:
        parent: As `align.models.checkpoints.resolve` gives it.
    """
    if parent.path is None or parent.lineage is None or not has_weights(parent.path):
        return [wrong("reference", f"{parent.name} has no weights to go on from", "Run sft first")]
    said = f"{parent.name} of {parent.base.name}, its weights and base as its lineage has them"
    if parent.lineage.stage != "sft":
        more = "it was trained on choices already, and what it learned of them is the new start"
        remedy = "For the usual round say --checkpoint sft"
        return [look("reference", f"{said}; {more}", remedy)]
    return [fine("reference", said)]
