"""Where pairs come from and choices go: an owner's store, or a file."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from align.errors import UserError
from align.paths import checkpoints_dir, simulated_file, store_path
from align.store.askable_pairs import AskablePairs
from align.store.connection import connect, open_store
from align.store.pairs import Purpose
from align.store.records import short_owner_text
from labeler.keys import Keys, keys_of
from labeler.session import Session
from labeler.store_lock import only_labeler

ASK = "Which one sounds like you?"
COPIED = ("threads", "prompts", "answers", "pairs")  # to a sandbox; never the events


@dataclass(frozen=True)
class PairSource:
    """What a session has to know of its pairs."""

    title: str  # whose pairs, for the top of the screen
    conn: sqlite3.Connection  # the store that takes the answers
    keys: Keys  # which key does what
    keeper: str  # where the answers lie, in words
    more: str  # how to come by more pairs of the purpose
    next_steps: Callable[[Session], list[str]]  # what to do next, a line each
    ask: str = ASK  # before the first answer
    says_how_many: bool = False  # whether to say at the start how many will be asked, and why


@contextmanager
def owner_pairs(owner_id: str, purpose: Purpose = "train") -> Iterator[PairSource]:
    """Open an owner's own store; for a simulated owner, the sandbox that takes real keys.

    Raises:
        UserError: There is no such store, or no pair of the purpose in it, owner.yaml makes no
            sense, or another labeler is open.
    """
    keys = keys_of(owner_id)
    simulated = is_simulated(owner_id)
    keeper = f"{owner_id}-sandbox" if simulated else owner_id

    def next_steps(session: Session) -> list[str]:
        if simulated:
            return [
                "The demo's own choices stay untouched. For a twin of your own:",
                "    make ingest OWNER=me FROM=~/my-writing && make sft dpo OWNER=me",
            ]
        return [f"Next: {_training(owner_id)}"] if session.answered else []

    more = _more_pairs(owner_id)
    if purpose == "arena":
        more = f"More pairs: align sample --compare sft dpo --owner {owner_id}"
    with closing(open_store(owner_id)) as own:
        if AskablePairs(own, purpose).total() == 0:
            what = "no pairs for the arena" if purpose == "arena" else "no pairs to choose from"
            raise UserError(owner_id, what, more)
        with (
            only_labeler(store_path(keeper)),
            closing(_sandbox(keeper, own) if simulated else own) as conn,
        ):
            yield PairSource(
                title=keeper,
                conn=conn,
                keys=keys,
                keeper=f"{keeper}'s store",
                more=more,
                next_steps=next_steps,
                ask=_whose_voice(owner_id, own) if simulated else ASK,
            )


@contextmanager
def file_pairs(path: Path, out: Path) -> Iterator[PairSource]:
    """Open the store beside `out` that holds a file's pairs and what was answered to them.

    Raises:
        UserError: A line of the file is no pair, a file can't be read or written, or another
            labeler is open.
    """
    from labeler.pairs_file import file_store  # not needed where an owner is

    with file_store(path, out) as conn:
        yield PairSource(
            title=path.name,
            conn=conn,
            keys=Keys(),
            keeper=f"{out}.db",
            more="More pairs: add lines to the file",
            next_steps=lambda session: [f"Your choices: {out}"],
            says_how_many=True,
        )


def is_simulated(owner_id: str) -> bool:
    """Return whether a simulated stand-in chooses for this owner."""
    return simulated_file(owner_id) is not None


def _whose_voice(owner_id: str, own: sqlite3.Connection) -> str:
    """Ask for the voice of a fictional owner, with something that they wrote."""
    from align.owner import load_owner

    name = load_owner(owner_id).name
    text = short_owner_text(own)
    sample = f' {name} writes: "{text}"' if text else ""
    return f"Which one sounds like {name}?{sample}"


def _sandbox(keeper: str, own: sqlite3.Connection) -> sqlite3.Connection:
    """Open the store that takes real keys, with all pairs that the simulated owner has by now.

    An owner's choice would go before the simulated ones; so the demo stays what it was.
    """
    from align.store.merge import export_rows, merge  # not needed before a real owner's pairs

    conn = connect(store_path(keeper), create=True)
    try:
        merge(conn, {table: export_rows(own, table) for table in COPIED})
    except BaseException:
        conn.close()
        raise
    return conn


def _trains_here(owner_id: str) -> bool:
    return (checkpoints_dir(owner_id) / "sft").exists()


def _more_pairs(owner_id: str) -> str:
    if is_simulated(owner_id) or _trains_here(owner_id):
        return f"More pairs: make sft sample OWNER={owner_id}"
    return (
        f"More pairs: make sft sample OWNER={owner_id}, or where another machine samples, there "
        f"make pack OWNER={owner_id} FOR=label and here make unpack OWNER={owner_id} FROM=that-file"
    )


def _training(owner_id: str) -> str:
    if _trains_here(owner_id):
        return f"make dpo OWNER={owner_id}"
    there = f"make unpack FROM={owner_id}-train.pack && make dpo OWNER={owner_id}"
    return f"make pack OWNER={owner_id} FOR=train    (then on the other machine: {there})"
