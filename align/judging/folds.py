"""Folds: the owner's choices cut into four by prompt, so that each can both teach and measure.

A judge that answers for one fold is shown examples of the other three only.
"""

import hashlib

FOLDS = 4


def fold_of(prompt_id: str) -> int:
    """Return a prompt's fold, 0 to 3, which depends on nothing but the prompt.

    New choices never move old ones, so what a judge was asked about a fold stays asked.
    """
    digest = hashlib.sha256(f"judging fold {prompt_id}".encode()).digest()
    # 256 is a multiple of 4: every fold is equally likely.
    return digest[0] % FOLDS
