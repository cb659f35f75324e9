"""Evaluate checkpoints: every one answers the same held-out prompts, every measure is taken.

What was answered is kept in the store, so a stopped run goes on; a finished one whose inputs did
not change is shown again without loading a model.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from align.console import duration, say
from align.evaluation import scorecard_files as shelf
from align.evaluation.asked import FEW_PROMPTS, Asked
from align.evaluation.scorecard import Scorecard


def evaluate(conn: sqlite3.Connection, asked: Asked) -> tuple[Scorecard, Path]:
    """Take every measure, and return the scorecard and the folder where it lies."""
    known = shelf.find(asked.owner, asked.inputs)
    if known is not None:
        say("Nothing changed since this was measured.")
        return shelf.read(known), known
    started = datetime.now(UTC)
    if len(asked.prompts) < FEW_PROMPTS:
        say(f"Only {len(asked.prompts)} held-out prompts: nearly all is inside the noise.")
    # Below this line torch and scikit-learn are loaded.
    from align.evaluation.checkpoint_answers import answer_everything
    from align.evaluation.judging import scorecard_of

    bench = answer_everything(conn, asked)
    card = scorecard_of(asked, bench, created=started.isoformat(timespec="seconds"))
    folder = shelf.put(asked.owner, card)
    say(f"Evaluated in {duration((datetime.now(UTC) - started).total_seconds())}.")
    return card, folder
