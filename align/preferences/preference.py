"""A preference: one answer preferred to another, a row of DPO's data."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

Message = dict[str, str]
Row = dict[str, Any]
Side = Literal["train", "held_out"]
# The source of a row that prefers the owner's real reply: nobody chose.
RECORD = "record"
# The source of a row that a verdict gave.
JUDGE = "judge"


@dataclass(frozen=True)
class Preference:
    """One answer preferred to another."""

    messages: tuple[Message, ...]  # the conversation up to the answer; the last turn is the user's
    chosen: str  # the answer that sounds like the owner
    rejected: str  # the one that doesn't, or less
    weight: float  # how much the row counts
    # Who chose: `owner`, `simulated`, `imported`; `judge`, or `record` where nobody did.
    source: str
    pair_id: str  # the pair that was chosen from; empty where nobody chose
    prompt_id: str  # what is held out together
    split: Side  # `train` or `held_out`
    gate: str = ""  # the gate that lets a verdict count; empty where it is none

    def to_row(self) -> Row:
        """Return it as a row of a frozen rows file."""
        row = {**asdict(self), "messages": list(self.messages)}
        # Rows are known by their bytes: those of choices don't mention a gate.
        if not self.gate:
            del row["gate"]
        return row


def side_of(prompt_id: str, held_out: float) -> Side:
    """Return a prompt's side, which depends on nothing but the prompt and the share."""
    number = int(hashlib.sha256(f"held out {prompt_id}".encode()).hexdigest()[:8], 16)
    return "held_out" if number / 2**32 < held_out else "train"
