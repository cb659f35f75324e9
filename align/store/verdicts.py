"""Verdicts: a judge's answers about pairs; never a choice."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple, cast

from align.choices.verdicts import Certainty, Judgement, Winner
from align.store.connection import transaction
from align.store.ids import content_id
from align.store.tables import Added

Order = Literal["ab", "ba"]
# The provider failed, or nothing was sent: no answer, so the question may be sent again.
# The view `standing_verdicts` names the same.
PASSING = ("errored", "canceled", "expired", "blocked")
_ON_FILE = f"(problem IS NULL OR problem NOT IN ({', '.join(map(repr, PASSING))}))"
# Ids in one query: SQLite takes some ten thousands, but plans them in time of their square.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer of a judge."""

    id: str  # made from its content
    pair_id: str  # what was judged
    judge: str  # `claude`, `local` or `simulated`
    model: str  # which one
    order: Order  # how the answers were shown
    prompt_hash: str  # of the judge's prompt and the description of the owner
    repeat: int  # counts intended repetitions of a question, from 0
    winner: Winner | None  # in the pair's own terms; None where the answer could not be understood
    certainty: str | None  # as the judge puts it; None where it states none
    cost: float | None  # in USD; None where it is not known
    time: str  # UTC, as `align.store.events.utc_time` writes it
    request: str = ""  # names the question, with all that was shown; empty where nobody named it
    problem: str | None = None  # why there is no winner; None where there is one

    @classmethod
    def new(
        cls,
        *,
        pair_id: str,
        judge: str,
        model: str,
        order: Order,
        prompt_hash: str,
        winner: Winner | None,
        time: str,
        repeat: int = 0,
        certainty: str | None = None,
        cost: float | None = None,
        request: str = "",
        problem: str | None = None,
    ) -> "Verdict":
        """Make a verdict, with the id that its content gives it."""
        id = content_id(
            pair_id, judge, model, order, prompt_hash, repeat, winner, certainty, time, request,
            problem,
        )  # fmt: skip
        return cls(
            id, pair_id, judge, model, order, prompt_hash, repeat, winner, certainty, cost, time,
            request, problem,
        )  # fmt: skip

    @property
    def judgement(self) -> Judgement:
        """Return what was answered, without who and when."""
        return _judgement(self.winner, cast(Certainty | None, self.certainty), self.problem)


class BothWays(NamedTuple):
    """A judge's answers about a pair, shown either way; None where no answer is on file."""

    pair_id: str
    ab: Judgement | None
    ba: Judgement | None


class Counts(NamedTuple):
    """What a judge answered: answers on file, their pairs, and pairs with one winner both ways."""

    answers: int
    pairs: int
    verdicts: int


_NAMES = tuple(field.name for field in fields(Verdict))
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
# OR IGNORE would also pass over what breaks a rule of the table, and a paid answer would be gone.
_INSERT = (
    f"INSERT INTO verdicts ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))}) "
    "ON CONFLICT (id) DO NOTHING"
)


def add_verdicts(conn: sqlite3.Connection, verdicts: Iterable[Verdict]) -> Added:
    """Add verdicts in one commit; known ones change nothing."""
    new = known = 0
    with transaction(conn):
        for verdict in verdicts:
            cursor = conn.execute(_INSERT, astuple(verdict))
            new += cursor.rowcount
            known += 1 - cursor.rowcount
    return Added(new, known)


def verdicts_of_requests(conn: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Verdict]:
    """Return the answers on file to some questions: the newest one of each.

    What failed for a passing reason (`PASSING`) is no answer, and is not on file.
    """
    wanted = [id for id in dict.fromkeys(ids) if id]
    newest: dict[str, Verdict] = {}
    for at in range(0, len(wanted), _CHUNK):
        chunk = wanted[at : at + _CHUNK]
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM verdicts WHERE request IN ({','.join('?' * len(chunk))}) "
            f"AND {_ON_FILE} ORDER BY repeat, time, id",
            chunk,
        )
        for row in rows:
            verdict = Verdict(*row)
            newest[verdict.request] = verdict
    return newest


def judged_pairs(conn: sqlite3.Connection, judge: str, model: str, prompt_hash: str) -> set[str]:
    """Return the pairs of which a judge's answers are on file for both orders."""
    rows = conn.execute(
        "SELECT pair_id FROM verdicts WHERE judge = ? AND model = ? AND prompt_hash = ? "
        f'AND {_ON_FILE} GROUP BY pair_id HAVING count(DISTINCT "order") = 2',
        (judge, model, prompt_hash),
    )
    return {row[0] for row in rows}


def both_ways(
    conn: sqlite3.Connection, judge: str, model: str, prompt_hash: str
) -> Iterator[BothWays]:
    """Yield a judge's answers about each pair, the newest answer of each order, ordered by pair."""
    rows = conn.execute(
        'SELECT pair_id, "order", winner, certainty, problem FROM standing_verdicts '
        "WHERE judge = ? AND model = ? AND prompt_hash = ? ORDER BY pair_id",
        (judge, model, prompt_hash),
    )
    for pair_id, answers in groupby(rows, itemgetter(0)):
        by_order = {order: _judgement(*rest) for _, order, *rest in answers}
        yield BothWays(pair_id, by_order.get("ab"), by_order.get("ba"))


def counts(conn: sqlite3.Connection) -> dict[tuple[str, str, str], Counts]:
    """Return what each judge, told apart by model and prompt, has answered so far."""
    rows = conn.execute(
        "SELECT judge, model, prompt_hash, sum(answers), count(*), sum(agree) FROM ("
        "SELECT judge, model, prompt_hash, count(*) AS answers, count(winner) = 2 "
        "AND min(winner) = max(winner) AND min(winner) <> 'tie' AS agree "
        "FROM standing_verdicts GROUP BY judge, model, prompt_hash, pair_id) GROUP BY 1, 2, 3"
    )
    return {(judge, model, prompt): Counts(*rest) for judge, model, prompt, *rest in rows}


def _judgement(
    winner: Winner | None, certainty: Certainty | None, problem: str | None
) -> Judgement:
    return Judgement(winner, certainty, problem or ("malformed" if winner is None else None))
