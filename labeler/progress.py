"""Figures of a running session: pace, agreement, biases. No screen, no keys."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from align.choices.tally import PAUSE_MS, DecisionRow, tally
from align.statistics import median
from align.store.events import utc_time
from labeler.session import Decision, Question, Session
from labeler.session.acts import EventId

# Biases are shown after so many answers only: seen at every key they would steer the next one.
BLOCK = 25
# Cells of the line that fills up to the goal.
GOAL_CELLS = 10
# With fewer pairs left than this, the screen shows how to come by more.
FEW_LEFT = 30


class Progress:
    """Counts along with a session, in memory.

    Args:
        session: Whose decisions are counted.
        earlier: Reads the decisions of the sessions before; not called before it is needed.
        goal: How many answers the owner wants to give today.
    """

    def __init__(
        self,
        session: Session,
        earlier: Callable[[], Sequence[DecisionRow]],
        goal: int | None = None,
    ) -> None:
        self._session, self._read, self.goal = session, earlier, goal
        self._earlier: Sequence[DecisionRow] = ()
        self._today = 0
        self._rows: dict[EventId, DecisionRow] = {}
        self._given: list[DecisionRow] = []
        # How often the owner repeats their own answer; empty until a pair came back.
        self.agreement = ""

    def read_earlier(self) -> None:
        """Read what was done before this session; until then the counts are of this one."""
        self._earlier = self._read()
        self._today = sum(_is_answer(row) and _is_today(row.time) for row in self._earlier)
        self._agree()

    def decided(self, question: Question) -> None:
        """Count the decision on a question, the session's last."""
        decision = self._session.given[-1]
        if decision.mends is not None:
            self.read_earlier()
        row = _row_of(question, decision, self._session)
        self._rows[decision.id] = row
        self.recount()
        if row.agrees is not None:
            self._agree()

    def reversed(self) -> None:
        """Count again after an undo or a redo, which may have been of an earlier session's act."""
        before = len(self._given)
        self.recount()
        if len(self._given) == before:
            self.read_earlier()

    def recount(self) -> None:
        """Count what stands of this session."""
        rows = (self._rows.get(decision.id) for decision in self._session.given)
        self._given = [row for row in rows if row is not None]

    @property
    def answers(self) -> list[DecisionRow]:
        """The current answers of this session; a skip is none."""
        return [row for row in self._given if _is_answer(row)]

    @property
    def today(self) -> int:
        """How many answers were given today."""
        return self._today + len(self.answers)

    @property
    def rows(self) -> list[DecisionRow]:
        """The current decisions of all sessions, oldest first."""
        return [*self._earlier, *self._given]

    def time_left(self, pairs: int) -> str:
        """Return how long so many pairs take at the pace of late, empty while that is unknown."""
        rate = pace(self._given)
        if not rate or not pairs:
            return ""
        minutes = pairs / rate
        return f", about {minutes:.0f} min" if minutes >= 1 else ", under a minute"

    def bar(self) -> str:
        """Return today's answers as a line that fills up to the goal."""
        full = min(GOAL_CELLS, GOAL_CELLS * self.today // (self.goal or 1))
        return "━" * full + "╌" * (GOAL_CELLS - full)

    def block(self) -> str:
        """Return what the last block of answers looked like, at its end; empty within it."""
        answers = self.answers
        if not answers or len(answers) % BLOCK:
            return ""
        figures = tally(answers[-BLOCK:])
        habits = {"left": figures.lefts, "the longer": figures.longers}
        words = ", ".join(f"{name} {share.words()}" for name, share in habits.items() if share.of)
        return f"the last {BLOCK}: {words}" if words else ""

    def _agree(self) -> None:
        figures = tally(self.rows)
        if not figures.agreed.of:
            self.agreement = ""
            return
        both, neither = figures.both.value or 0.0, figures.neither.value or 0.0
        # Of two answers that only share their habits: which of two texts stands as `a` is chance.
        chance = (1 - both - neither) ** 2 / 2 + both**2 + neither**2
        self.agreement = f"agrees with yourself {figures.agreed.value:.0%} (chance {chance:.0%})"


def pace(rows: Sequence[DecisionRow], last: int = 20) -> float | None:
    """Return answers a minute, from the median time of the `last` newest decisions.

    Times over two minutes are pauses, and left out. None until there is one. The oldest come first.
    """
    times = [row.ms for row in rows[-last:] if row.ms is not None and 0 <= row.ms <= PAUSE_MS]
    middle = median(times) if times else 0.0
    return 60_000 / middle if middle else None


def _row_of(question: Question, decision: Decision, session: Session) -> DecisionRow:
    lengths = {"a": len(question.pair.text_a), "b": len(question.pair.text_b)}
    longer = None if lengths["a"] == lengths["b"] else max(lengths, key=lambda side: lengths[side])
    agrees = None
    # A rewrite is new writing, whatever the first answer was.
    if question.repeat_of is not None and decision.outcome not in ("skip", "rewrite"):
        first = next((d.outcome for d in session.decisions if d.id == question.repeat_of), None)
        agrees = None if first is None else first == decision.outcome
    time = utc_time(datetime.now(UTC))
    return DecisionRow(decision.outcome, question.left_is, decision.ms, longer, agrees, time)


def _is_answer(row: DecisionRow) -> bool:
    return row.outcome != "skip" and row.agrees is None


def _is_today(time: str) -> bool:
    try:
        return datetime.fromisoformat(time).astimezone().date() == datetime.now().date()
    except ValueError:
        return False
