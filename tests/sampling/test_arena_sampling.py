"""An arena's pairs: held-out prompts, one seed and setting for both, resumed, never redrawn."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.models.checkpoints import Checkpoint
from align.owner import Owner
from align.preferences.choice_rows import build_preferences
from align.sampling.arena_sampling import (
    Comparison,
    add_arena_pairs,
    contenders,
    draw_answers,
    plan_comparison,
)
from align.sampling.sampling_plan import Sampling, held_out_prompts, training_prompts
from align.store.answers import answers_of
from align.store.connection import connect
from align.store.pairs import iter_pairs
from align.store.prompts import Prompt, add_prompts
from tests.little_twins import write_twin
from tests.store.rows import append_event

SHORT = Sampling(max_new_tokens=12)
Both = tuple[Checkpoint, Checkpoint]


def prompts(count: int, **fields: Any) -> list[Prompt]:
    kept = {"source": "added", "split": "evaluation"} | fields
    return [
        Prompt.new([{"role": "user", "content": f"{kept} {n}?"}], thread=f"{kept}{n}", **kept)
        for n in range(count)
    ]


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    conn = connect(tmp_path / "twin.db", create=True)
    add_prompts(conn, prompts(6))
    return conn


@pytest.fixture
def twins(root: Path) -> Both:
    sft = write_twin("ann", "sft", seed=1)
    return sft, write_twin("ann", "dpo", seed=2, parent=sft)


def plan_of(conn: sqlite3.Connection, twins: Both, **fields: Any) -> Comparison:
    return plan_comparison(conn, twins, **{"pairs": 6, "seed": 0, "settings": SHORT} | fields)


class Scripted:
    """A twin that says what it is told, by the prompt's place."""

    def __init__(self, *said: str) -> None:
        self.said, self.calls = said, 0

    def generate_each(
        self, conversations: Sequence[Any], *, n: int, **_: Any
    ) -> Iterator[tuple[int, int, str]]:
        assert n == 1
        for at in range(len(conversations)):
            self.calls += 1
            yield at, 0, self.said[at % len(self.said)]


def draw(conn: sqlite3.Connection, twins: Both, first: Any, second: Any, **fields: Any) -> Any:
    plan = plan_of(conn, twins, **fields)
    for twin, checkpoint in zip((first, second), twins, strict=True):
        draw_answers(conn, twin, plan, checkpoint)
    return add_arena_pairs(conn, plan)


def test_only_held_out_prompts_that_may_be_shown_are_asked(conn: sqlite3.Connection) -> None:
    for other in ({"split": "train"}, {"level": "sealed"}, {"source": "identity"}):
        add_prompts(conn, prompts(2, **other))
    found = held_out_prompts(conn)
    assert {prompt.id for prompt in found} == {prompt.id for prompt in prompts(6)}
    assert not {prompt.id for prompt in found} & {prompt.id for prompt in training_prompts(conn)}


def test_two_tiny_twins_give_an_arena_and_the_same_one_again(
    conn: sqlite3.Connection, twins: Both, tmp_path: Path
) -> None:
    from align.models.loading import load_model

    first, second = map(load_model, twins)
    assert draw(conn, twins, first, second).pairs == 6
    found = list(iter_pairs(conn, purpose="arena"))
    assert {(pair.checkpoint_a, pair.checkpoint_b) for pair in found} == {("001-sft", "002-dpo")}
    assert len({pair.prompt_id for pair in found}) == 6
    assert list(iter_pairs(conn)) == []
    answers = [answer for twin in twins for answer in answers_of(conn, twin.hash)]
    assert {(answer.seed, answer.n) for answer in answers} == {(0, 0)}
    assert all(answer.settings == SHORT.as_dict() for answer in answers)
    other = connect(tmp_path / "other.db", create=True)
    add_prompts(other, prompts(6))
    draw(other, twins, first, second)
    assert [pair.id for pair in iter_pairs(other, purpose="arena")] == [pair.id for pair in found]


def test_a_stopped_arena_goes_on_to_the_same_pairs(
    conn: sqlite3.Connection, twins: Both, tmp_path: Path
) -> None:
    class Stopped(Scripted):
        def generate_each(self, *args: Any, **settings: Any) -> Iterator[tuple[int, int, str]]:
            for answer in super().generate_each(*args, **settings):
                if self.calls == 5:
                    raise KeyboardInterrupt
                yield answer

    first, second = Scripted("It is the sea."), Scripted("No, the hills.")
    stopped = Stopped("No, the hills.")
    with pytest.raises(KeyboardInterrupt):
        draw(conn, twins, first, stopped)
    assert add_arena_pairs(conn, plan_of(conn, twins)).pairs == 4
    draw(conn, twins, first, second)
    assert (first.calls, second.calls) == (6, 2)
    whole = connect(tmp_path / "whole.db", create=True)
    add_prompts(whole, prompts(6))
    draw(whole, twins, Scripted("It is the sea."), Scripted("No, the hills."))
    rows = [list(iter_pairs(each, purpose="arena")) for each in (conn, whole)]
    assert rows[0] == rows[1] and len(rows[0]) == 6


def test_what_nobody_can_choose_between_is_counted_and_never_drawn_again(
    conn: sqlite3.Connection, twins: Both
) -> None:
    first = Scripted("It is the sea.", "The same answer.", "")
    second = Scripted("No, the hills.", "The  same answer.", "Something.")
    result = draw(conn, twins, first, second)
    assert (result.pairs, result.alike, result.empty) == (2, 2, 2)
    assert result.empty_of == {"001-sft": 2}
    again = draw(conn, twins, first, second)
    assert again == result
    assert first.calls == second.calls == 6


def test_other_seeds_and_settings_are_drawn_anew(conn: sqlite3.Connection, twins: Both) -> None:
    draw(conn, twins, Scripted("It is the sea."), Scripted("No, the hills."))
    assert plan_of(conn, twins, seed=1).missing(twins[0])
    assert plan_of(conn, twins, settings=Sampling(0.5)).missing(twins[0])
    assert not plan_of(conn, twins).missing(twins[0])


def test_one_pair_a_prompt_is_all_there_is(conn: sqlite3.Connection, twins: Both) -> None:
    assert len(plan_of(conn, twins, pairs=100).prompts) == 6
    assert len(plan_of(conn, twins, pairs=2).prompts) == 2


def test_a_twin_is_not_held_against_itself(twins: Both) -> None:
    assert contenders("ann", ("sft", "dpo")) == twins
    with pytest.raises(UserError, match="001-sft: the same twin"):
        contenders("ann", ("sft", "001-sft"))


def test_the_arenas_answers_never_train(conn: sqlite3.Connection, twins: Both) -> None:
    draw(conn, twins, Scripted("It is the sea."), Scripted("No, the hills."))
    for pair in list(iter_pairs(conn, purpose="arena")):
        append_event(conn, kind="choice", actor="owner", pair_id=pair.id, payload={"outcome": "a"})
    assert build_preferences(conn, Owner(name="Ann")) == []
