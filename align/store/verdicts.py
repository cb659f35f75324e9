"""Verdicts: a judge's answers about pairs; never a choice."""

import sqlite3
from collections import defaultdict
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One answer of a judge."""

    pair_id: str  # what was judged
    judge: str  # `claude`, `local` or `simulated`
    model: str  # which one
    order: Order  # how the answers were shown
    prompt_hash: str  # of the judge's prompt and the description of the owner
    repeat: int = 0  # counts intended repetitions of a question, from 0
    winner: Winner | None  # in the pair's own terms; None where the answer could not be understood
    certainty: str | None = None  # as the judge puts it; None where it states none
    cost: float | None = None  # in USD; None where it is not known
    time: str  # UTC, as `align.store.events.utc_time` writes it
    request: str = ""  # names the question, with all that was shown; empty where nobody named it
    problem: str | None = None  # why there is no winner; None where there is one
    # names the owner's choices that the judge was shown; empty where that was not written down
    briefing: str = ""
    answered: str = ""  # the model that answered, in its own words; empty where it did not say
    id: str = ""  # made from its content

    def __post_init__(self) -> None:
        """Give it the id of its content, where it has none yet."""
        if not self.id:
            content = (
                self.pair_id, self.judge, self.model, self.order, self.prompt_hash, self.repeat,
                self.winner, self.certainty, self.time, self.request, self.problem,
            )  # fmt: skip
            object.__setattr__(self, "id", content_id(*content))

    @property
    def judgement(self) -> Judgement:
        """Return what was answered, without who and when."""
        return _judgement(self.winner, cast(Certainty | None, self.certainty), self.problem)


class Instrument(NamedTuple):
    """What gives verdicts: where anything of it changes, it has to be measured anew."""

    judge: str
    model: str
    prompt_hash: str
    briefing: str
    answered: str


class BothWays(NamedTuple):
    """A judge's answers about a pair, shown either way; None where no answer is on file."""

    pair_id: str
    ab: Judgement | None
    ba: Judgement | None
    time: str  # of the newest of the two


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


def verdicts_of_requests(
    conn: sqlite3.Connection, ids: Iterable[str], answered: str = ""
) -> dict[str, Verdict]:
    """Return the answers on file to some questions: the newest one of each.

    What failed for a passing reason (`PASSING`) is no answer, and is not on file. Nor is, where
    `answered` names a model, what another one answered in its place.
    """
    wanted = [id for id in dict.fromkeys(ids) if id]
    newest: dict[str, Verdict] = {}
    for at in range(0, len(wanted), _CHUNK):
        chunk = wanted[at : at + _CHUNK]
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM verdicts WHERE request IN ({','.join('?' * len(chunk))}) "
            f"AND {_ON_FILE} AND (? = '' OR answered IN ('', ?)) ORDER BY repeat, time, id",
            (*chunk, answered, answered),
        )
        for row in rows:
            verdict = Verdict(**dict(zip(_NAMES, row, strict=True)))
            newest[verdict.request] = verdict
    return newest


def newest_answered(conn: sqlite3.Connection, judge: str, model: str) -> str:
    """Return which model answered last where a judge's was asked; empty where none said so."""
    row = conn.execute(
        "SELECT answered FROM verdicts WHERE judge = ? AND model = ? AND answered <> '' "
        "ORDER BY time DESC, id DESC LIMIT 1",
        (judge, model),
    ).fetchone()
    return row[0] if row else ""


def judged_pairs(
    conn: sqlite3.Connection, judge: str, model: str, prompt_hash: str
) -> dict[Instrument, set[str]]:
    """Return the pairs of which answers are on file for both orders, by how it was briefed."""
    rows = conn.execute(
        "SELECT briefing, answered, pair_id FROM standing_verdicts WHERE judge = ? AND model = ? "
        "AND prompt_hash = ? GROUP BY briefing, answered, pair_id HAVING count(*) = 2",
        (judge, model, prompt_hash),
    )
    pairs: dict[Instrument, set[str]] = defaultdict(set)
    for briefing, answered, pair in rows:
        pairs[Instrument(judge, model, prompt_hash, briefing, answered)].add(pair)
    return pairs


def both_ways(conn: sqlite3.Connection, of: Instrument) -> Iterator[BothWays]:
    """Yield the answers about each pair, the newest of each order, ordered by pair."""
    rows = conn.execute(
        'SELECT pair_id, time, "order", winner, certainty, problem FROM standing_verdicts '
        "WHERE judge = ? AND model = ? AND prompt_hash = ? AND briefing = ? AND answered = ? "
        "ORDER BY pair_id",
        of,
    )
    for pair_id, answers in groupby(rows, itemgetter(0)):
        both = list(answers)
        by_order = {order: _judgement(*rest) for _, _, order, *rest in both}
        newest = max(time for _, time, *_ in both)
        yield BothWays(pair_id, by_order.get("ab"), by_order.get("ba"), newest)


def counts(conn: sqlite3.Connection) -> dict[tuple[str, str, str], Counts]:
    """Return what each judge, told apart by model and prompt, has answered so far."""
    rows = conn.execute(
        "SELECT judge, model, prompt_hash, sum(answers), count(DISTINCT pair_id), "
        "count(DISTINCT iif(agree, pair_id, NULL)) FROM ("
        "SELECT judge, model, prompt_hash, pair_id, count(*) AS answers, count(winner) = 2 "
        "AND min(winner) = max(winner) AND min(winner) <> 'tie' AS agree FROM standing_verdicts "
        "GROUP BY judge, model, prompt_hash, briefing, answered, pair_id) GROUP BY 1, 2, 3"
    )
    return {(judge, model, prompt): Counts(*rest) for judge, model, prompt, *rest in rows}


def _judgement(
    winner: Winner | None, certainty: Certainty | None, problem: str | None
) -> Judgement:
    return Judgement(winner, certainty, problem or ("malformed" if winner is None else None))
