"""Any sequence of acts, beside a plain model of them."""

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from unittest import mock

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import sampled_from

from align.errors import UserError
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.pairs import get_pair
from labeler.session import Session, repeats
from labeler.session.queue import Queue
from tests.labeler.stores import copy_of_pairs
from tests.store.rows import append_event

PAIRS, EACH_PROMPT, A_PROMPT = 12, 4, 3


@dataclass
class Act:
    """One thing that the owner did, as the model keeps it."""

    kind: str
    pair: str
    what: object = None
    left_is: str = ""
    again: bool = False


@dataclass
class Model:
    """What was done and not taken back, oldest first; all else is searched for in it."""

    acts: list[Act] = field(default_factory=list)
    undone: list[Act] = field(default_factory=list)

    def do(self, act: Act) -> None:
        self.acts.append(act)
        self.undone.clear()

    def answers(self) -> dict[str, object]:
        return {a.pair: a.what for a in self.acts if a.kind in ("answer", "rewrite")}

    def asked(self) -> list[tuple[str, object]]:
        kinds = ("answer", "rewrite", "skip", "repeat")
        return [(a.pair, a.what) for a in self.acts if a.kind in kinds]

    def private(self, pair: str) -> bool:
        return sum(a.kind == "private" and a.pair == pair for a in self.acts) % 2 == 1

    def flags(self, pair: str) -> set[object]:
        flags: set[object] = set()
        for act in self.acts:
            if act.kind == "flag" and act.pair == pair:
                flags ^= {act.what}
        return flags

    def note(self, pair: str) -> object:
        notes = [a.what for a in self.acts if a.kind == "note" and a.pair == pair]
        return notes[-1] if notes else ""


def fails_after(move: Callable[..., None]) -> Callable[..., None]:
    def moved(*arguments: object) -> None:
        move(*arguments)
        raise sqlite3.OperationalError("disk I/O error")

    return moved


class AnyOrder(RuleBasedStateMachine):
    """Answers, skips, rewrites, marks, undo, redo and restarts in any order."""

    apart: ClassVar[int] = 3
    share: ClassVar[float] = 0.5

    @initialize(order=sampled_from(["fresh", "random"]), seed=sampled_from([1, 2, 3]))
    def open(self, order: str, seed: int) -> None:
        self.patches = [
            mock.patch.object(repeats, "APART", self.apart),
            mock.patch.object(repeats, "SHARE", self.share),
        ]
        for patch in self.patches:
            patch.start()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "twin.db"
        copy_of_pairs(self.path, PAIRS, EACH_PROMPT)
        self.conn = connect(self.path)
        self.order, self.seed, self.model = order, seed, Model()
        self.prompts = dict(self.conn.execute("SELECT id, prompt_id FROM pairs").fetchall())
        self.session = Session(self.conn, order=order, seed=seed)

    def is_asked(self) -> bool:
        return self.session.question is not None

    @precondition(is_asked)
    @rule(answer=sampled_from(["left", "right", "both", "neither"]))
    def answer(self, answer: str) -> None:
        question = self.session.question
        what = {"left": question.left_is, "right": question.right_is}.get(answer, answer)
        self.session.answer(answer)
        kind = "answer" if question.repeat_of is None else "repeat"
        self.did(kind, question, what)

    @precondition(is_asked)
    @rule()
    def skip(self) -> None:
        question = self.session.question
        self.session.skip()
        self.did("skip", question, "skip")

    @precondition(is_asked)
    @rule(of=sampled_from(["left", "right", None]))
    def rewrite(self, of: str | None) -> None:
        question = self.session.question
        self.session.rewrite("As I would say it.", of)
        self.did("rewrite", question, "rewrite")

    @precondition(is_asked)
    @rule(text=sampled_from(["", "hm", "I said so"]))
    def note(self, text: str) -> None:
        question = self.session.question
        self.session.set_note(text)
        if text != self.model.note(question.pair.id):
            self.did("note", question, text)
        assert self.session.question is question

    @precondition(is_asked)
    @rule()
    def private(self) -> None:
        question = self.session.question
        # A pair that is private does not come back: which one does would change by a restart.
        if question.repeat_of is None:
            assert self.session.toggle_private() != self.model.private(question.pair.id)
            self.did("private", question, None)
            assert self.session.question is question

    @precondition(is_asked)
    @rule(flag=sampled_from(["facts", "voice"]), side=sampled_from(["left", "right", None]))
    def flag(self, flag: str, side: str | None) -> None:
        question = self.session.question
        letter = {"left": question.left_is, "right": question.right_is, None: None}[side]
        before = self.model.flags(question.pair.id)
        stands = (flag, letter) not in before
        assert self.session.toggle_flag(flag, side) == stands
        other = ({"facts": "voice", "voice": "facts"}[flag], letter)
        if stands and other in before:  # each says of the other that it is right
            self.did("flag", question, other)
        self.did("flag", question, (flag, letter))
        assert self.session.question is question

    @rule()
    def undo(self) -> None:
        undone = self.session.undo()
        assert (undone is None) == (not self.model.acts)
        if self.model.acts:
            act = self.model.acts.pop()
            self.model.undone.append(act)
            question = self.session.question
            assert question.pair.id == act.pair
            assert question.left_is == act.left_is
            assert (question.repeat_of is not None) == act.again

    @rule()
    def redo(self) -> None:
        redone = self.session.redo()
        assert (redone is None) == (not self.model.undone)
        if self.model.undone:
            act = self.model.undone.pop()
            self.model.acts.append(act)
            if act.kind in ("note", "private", "flag"):
                assert self.session.question.pair.id == act.pair

    @rule()
    def restart(self) -> None:
        before = self.seen()
        self.conn.close()
        self.conn = connect(self.path)
        self.session = Session(self.conn, order=self.order, seed=self.seed)
        assert self.seen() == before

    @rule(what=sampled_from(["answer", "skip", "undo", "redo"]))
    def fails(self, what: str) -> None:
        """Fail after the event was written and before it was committed."""
        if what in ("answer", "skip") and not self.is_asked():
            return
        before = self.seen(), self.session.given[:], self.session._queue.front
        moves = {name: fails_after(getattr(Queue, name)) for name in ("leave", "go_back")}
        with mock.patch.multiple(Queue, **moves), suppress(UserError):
            self.session.answer("left") if what == "answer" else getattr(self.session, what)()
        assert (self.seen(), self.session.given, self.session._queue.front) == before

    @rule(actor=sampled_from(["imported", "simulated"]), place=sampled_from(range(PAIRS)))
    def others_write(self, actor: str, place: int) -> None:
        """Append what `align choices import` does, over a connection of its own."""
        with closing(connect(self.path)) as other:
            pair = sorted(self.prompts)[place]
            append_event(
                other, kind="choice", actor=actor, pair_id=pair, payload={"outcome": "neither"}
            )

    def seen(self) -> object:
        question = self.session.question
        return question and (question.pair.id, question.left_is, question.repeat_of, question.pick)

    def did(self, kind: str, question, what: object) -> None:
        again = question.repeat_of is not None
        self.model.do(Act(kind, question.pair.id, what, question.left_is, again))

    @invariant()
    def equals_the_model(self) -> None:
        if not hasattr(self, "session"):
            return
        session, answers = self.session, self.model.answers()
        chosen = {c.pair_id: c.outcome for c in current_choices(self.conn, actors=["owner"])}
        assert chosen == answers
        assert session.answered == len(answers)
        assert [(d.pair_id, d.outcome) for d in session.decisions] == self.model.asked()
        waiting = Counter(self.prompts[pair] for pair in self.prompts if pair not in answers)
        if self.order == "fresh":
            for pair in answers:
                waiting[self.prompts[pair]] = min(
                    waiting[self.prompts[pair]],
                    max(0, A_PROMPT - sum(self.prompts[p] == self.prompts[pair] for p in answers)),
                )
            waiting = Counter({prompt: min(n, A_PROMPT) for prompt, n in waiting.items()})
        assert session.left == waiting.total()
        assert sum(session.left_out.values()) == PAIRS - len(answers) - session.left
        for pair in self.prompts:
            view = get_pair(self.conn, pair)
            assert (view.level == "sealed") == self.model.private(pair)
        question = session.question
        if question is None:
            assert session.left == 0
            return
        assert (question.repeat_of is not None) == (question.pair.id in answers)
        marks, id = session.marks, question.pair.id
        assert marks.private == self.model.private(id) and marks.note == self.model.note(id)
        sides = {"left": question.left_is, "right": question.right_is, None: None}
        assert {(flag, sides[side]) for flag, side in marks.flags} == self.model.flags(id)

    def teardown(self) -> None:
        if hasattr(self, "conn"):
            self.conn.close()
            self.folder.cleanup()
            for patch in self.patches:
                patch.stop()


AnyOrder.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestAnyOrder = AnyOrder.TestCase
