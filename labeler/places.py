"""Where pairs come from and choices go: an owner's store, or a file."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from align.paths import checkpoints_dir
from align.store.connection import open_store
from labeler.keys import Keys, keys_of
from labeler.sandbox import is_simulated, open_sandbox, sandbox_of
from labeler.session import Session


@dataclass(frozen=True)
class Place:
    """What a sitting has to know of where it takes place.

    Attributes:
        title: Whose pairs, for the top of the screen.
        conn: The store that takes the answers.
        keys: Which key does what.
        keeper: Where the answers lie, in words.
        more: How to come by more pairs.
        arena: How to come by pairs for the arena.
        afterwards: What to do next, a line each.
        close: Ends it: writes what has to be written.
    """

    title: str
    conn: sqlite3.Connection
    keys: Keys
    keeper: str
    more: str
    arena: str
    afterwards: Callable[[Session], list[str]]
    close: Callable[[], None]


def place_of_owner(owner: str) -> Place:
    """Return an owner's own store; for a simulated owner, the sandbox that takes real keys.

    Raises:
        UserError: There is no such store, or owner.yaml makes no sense.
    """
    keys = keys_of(owner)
    simulated = is_simulated(owner)
    conn = open_sandbox(owner) if simulated else open_store(owner)
    keeper = sandbox_of(owner) if simulated else owner

    def afterwards(session: Session) -> list[str]:
        if simulated:
            return [
                "The demo's own choices stay untouched. For a twin of your own:",
                "    make ingest OWNER=me FROM=~/my-writing && make sft dpo OWNER=me",
            ]
        return [f"Next: {_training(owner)}"] if session.answered else []

    return Place(
        title=keeper,
        conn=conn,
        keys=keys,
        keeper=f"{keeper}'s store",
        more=_more_pairs(owner),
        arena=f"Run: align sample --compare sft dpo --owner {owner}",
        afterwards=afterwards,
        close=conn.close,
    )


def place_of_file(path: Path, out: Path) -> Place:
    """Return the store beside `out` that holds a file's pairs and what was answered to them.

    Raises:
        UserError: A line of the file is no pair, or a file can't be read or written.
    """
    from labeler.pairs_file import open_pairs_file, write_choices

    conn = open_pairs_file(path, out)

    def close() -> None:
        try:
            write_choices(conn, out)
        finally:
            conn.close()

    return Place(
        title=path.name,
        conn=conn,
        keys=Keys(),
        keeper=f"{out}.db",
        more="More pairs: add lines to the file",
        arena="An arena needs an owner's checkpoints: --owner NAME",
        afterwards=lambda session: [f"Your choices: {out}"],
        close=close,
    )


def _trains_here(owner: str) -> bool:
    return (checkpoints_dir(owner) / "sft").exists()


def _more_pairs(owner: str) -> str:
    if is_simulated(owner) or _trains_here(owner):
        return f"More pairs: make sft sample OWNER={owner}"
    return (
        f"More pairs: make sft sample OWNER={owner}, or where another machine samples, there "
        f"make pack OWNER={owner} FOR=label and here make unpack OWNER={owner} FROM=that-file"
    )


def _training(owner: str) -> str:
    if _trains_here(owner):
        return f"make dpo OWNER={owner}"
    return f"make pack OWNER={owner} FOR=train (then on the other machine: make unpack, make dpo)"
