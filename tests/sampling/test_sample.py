"""Pairs drawn from a twin: seeded, resumed, and never of two answers that are the same."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from align.models.checkpoints import Checkpoint
from align.sampling.pair_generation import draw_against_records, draw_pairs
from align.sampling.sampling_plan import (
    ATTEMPTS,
    Plan,
    Sampling,
    Slot,
    choose_slots,
    make_plan,
    plan_result,
    sampling_of,
    training_prompts,
    unanswered,
)
from align.store.answers import answers_of
from align.store.connection import connect
from align.store.pairs import iter_pairs
from align.store.prompts import Prompt, add_prompts
from tests.little_twins import SAMPLING, write_twin

SHORT = Sampling(max_new_tokens=12)


def prompts(count: int, **fields: Any) -> list[Prompt]:
    kept = {"source": "added", "split": "train"} | fields
    return [
        Prompt.new([{"role": "user", "content": f"What of {n}?"}], thread=f"{kept['source']}{n}",
                   **kept)
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "twin.db", create=True)


@pytest.fixture
def checkpoint(root: Path) -> Checkpoint:
    return write_twin("ann", "sft")


def plan_of(conn: sqlite3.Connection, checkpoint: Checkpoint, **fields: Any) -> Plan:
    return make_plan(conn, checkpoint, **{"pairs": 8, "seed": 0, "settings": SHORT} | fields)


def rows(conn: sqlite3.Connection) -> list[tuple[str, str]]:
    return [(pair.text_a, pair.text_b) for pair in iter_pairs(conn)]


class Scripted:
    """A twin that says what it is told: the answers' places and seeds are what is under test."""

    def __init__(self, said: dict[int, Sequence[str]], otherwise: Sequence[str]) -> None:
        self.said, self.otherwise, self.calls = said, otherwise, 0

    def generate_each(
        self, conversations: Sequence[Any], *, seed: int, **_: Any
    ) -> Iterator[tuple[int, int, str]]:
        for at in range(len(conversations)):
            for n, text in enumerate(self.said.get(seed, self.otherwise)):
                self.calls += 1
                yield at, n, text


def test_prompts_of_the_training_side_are_drawn_for_and_no_others(
    conn: sqlite3.Connection,
) -> None:
    add_prompts(conn, prompts(2))
    for other in (
        {"split": "evaluation", "source": "asked"},
        {"level": "sealed", "source": "bundled"},
        {"source": "identity"},
    ):
        kept = [
            Prompt.new([{"role": "user", "content": f"{other} {n}"}], thread=f"{other}{n}",
                       **{"source": "added", "split": "train"} | other)
            for n in range(2)
        ]  # fmt: skip
        add_prompts(conn, kept)
    assert {prompt.text for prompt in training_prompts(conn)} == {"What of 0?", "What of 1?"}


def test_every_prompt_has_its_first_pair_before_any_has_its_second() -> None:
    slots = choose_slots(prompts(3), 7, seed=0)
    assert [slot.round for slot in slots] == [0, 0, 0, 1, 1, 1, 2]
    assert len({slot.prompt.id for slot in slots[:3]}) == 3
    assert choose_slots([], 7, seed=0) == []


def test_the_order_is_the_seeds_and_not_the_lists() -> None:
    asked = prompts(20)
    first = choose_slots(asked, 5, seed=0)
    assert first == choose_slots(list(reversed(asked)), 5, seed=0)
    assert first != choose_slots(asked, 5, seed=1)


def test_each_round_and_attempt_has_a_seed_of_its_own() -> None:
    prompt = prompts(1)[0]
    seeds = {Slot(prompt, r).seed(3, attempt) for r in range(3) for attempt in range(ATTEMPTS)}
    assert len(seeds) == 3 * ATTEMPTS
    assert Slot(prompt, 0).seed(3, 0) == 3


def test_a_tiny_twin_gives_pairs_and_the_same_ones_again(
    conn: sqlite3.Connection, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    from align.models.loading import load_model

    twin = load_model(checkpoint)
    add_prompts(conn, prompts(8))
    result = draw_pairs(conn, twin, plan_of(conn, checkpoint))
    assert result.pairs == 8
    pair = next(iter_pairs(conn))
    assert pair.checkpoint_a == "001-sft"
    assert pair.hash_a == checkpoint.hash
    assert pair.similarity is not None
    assert {answer.seed for answer in answers_of(conn, checkpoint.hash)} == {0}
    other = connect(tmp_path / "other.db", create=True)
    add_prompts(other, prompts(8))
    draw_pairs(other, twin, plan_of(other, checkpoint), batch_size=3)
    assert rows(other) == rows(conn)
    more = draw_pairs(conn, twin, plan_of(conn, checkpoint, seed=1))
    assert more.pairs == 8
    assert len(rows(conn)) == 16


def test_a_finished_plan_draws_nothing(conn: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    add_prompts(conn, prompts(4))
    twin = Scripted({}, ["I like the sea", "No, thank you"])
    draw_pairs(conn, twin, plan_of(conn, checkpoint, pairs=4))
    again = plan_of(conn, checkpoint, pairs=4)
    assert again.missing() == []
    assert plan_result(again).pairs == 4
    calls = twin.calls
    draw_pairs(conn, twin, again)
    assert twin.calls == calls
    assert plan_of(conn, checkpoint, pairs=4, settings=Sampling(0.5)).missing()


def test_a_stopped_run_goes_on_to_the_same_pairs(
    conn: sqlite3.Connection, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    from align.models.loading import load_model

    twin = load_model(checkpoint)

    class Stopped:
        def generate_each(self, *args: Any, **settings: Any) -> Iterator[tuple[int, int, str]]:
            for count, answer in enumerate(twin.generate_each(*args, **settings)):
                if count == 5:
                    raise KeyboardInterrupt
                yield answer

    add_prompts(conn, prompts(8))
    with pytest.raises(KeyboardInterrupt):
        draw_pairs(conn, Stopped(), plan_of(conn, checkpoint))
    assert len(answers_of(conn, checkpoint.hash)) == 5
    draw_pairs(conn, twin, plan_of(conn, checkpoint))
    whole = connect(tmp_path / "whole.db", create=True)
    add_prompts(whole, prompts(8))
    draw_pairs(whole, twin, plan_of(whole, checkpoint))
    assert rows(conn) == rows(whole)


def test_near_identical_and_empty_pairs_are_drawn_again(
    conn: sqlite3.Connection, checkpoint: Checkpoint
) -> None:
    add_prompts(conn, prompts(3))
    plan = plan_of(conn, checkpoint, pairs=3)
    retry = plan.slots[0].seed(0, 1)
    twin = Scripted({0: ["I do.", "I  do."], retry: ["", "Yes"]}, ["Left is one", "Right is two"])
    result = draw_pairs(conn, twin, plan)
    assert (result.pairs, result.redrawn, result.left_out) == (3, 3, 0)
    assert set(rows(conn)) == {("Left is one", "Right is two")}


def test_what_never_differs_is_left_out_with_a_count_and_not_drawn_for_ever(
    conn: sqlite3.Connection, checkpoint: Checkpoint
) -> None:
    add_prompts(conn, prompts(3))
    twin = Scripted({}, ["The same", "The same"])
    result = draw_pairs(conn, twin, plan_of(conn, checkpoint, pairs=3))
    assert (result.pairs, result.left_out) == (0, 3)
    assert twin.calls == 3 * 2 * ATTEMPTS
    assert plan_of(conn, checkpoint, pairs=3).missing() == []


def test_one_answer_is_drawn_against_records_and_a_pair_takes_it_over(
    conn: sqlite3.Connection, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    from align.models.loading import load_model

    twin = load_model(checkpoint)
    asked = prompts(6)
    add_prompts(conn, asked)
    plan = plan_of(conn, checkpoint, prompts=asked[:4], pairs=4)
    assert len(unanswered(plan)) == 4
    draw_against_records(conn, twin, plan)
    first = answers_of(conn, checkpoint.hash)
    assert {(answer.prompt_id, answer.seed, answer.n) for answer in first} == {
        (prompt.id, 0, 0) for prompt in asked[:4]
    }
    assert unanswered(plan_of(conn, checkpoint, prompts=asked[:4], pairs=4)) == []
    draw_pairs(conn, twin, plan_of(conn, checkpoint, pairs=6))
    assert all(answer in answers_of(conn, checkpoint.hash) for answer in first)
    other = connect(tmp_path / "other.db", create=True)
    add_prompts(other, asked)
    draw_pairs(other, twin, plan_of(other, checkpoint, pairs=6))
    assert rows(conn) == rows(other)
    assert unanswered(plan_of(other, checkpoint, prompts=asked, pairs=6)) == []


def test_answers_against_records_go_on_where_they_were_stopped(
    conn: sqlite3.Connection, checkpoint: Checkpoint
) -> None:
    class Stopped(Scripted):
        def generate_each(self, *args: Any, **settings: Any) -> Iterator[tuple[int, int, str]]:
            for count, answer in enumerate(super().generate_each(*args, **settings)):
                if count == 2:
                    raise KeyboardInterrupt
                yield answer

    asked = prompts(5)
    add_prompts(conn, asked)
    plan = plan_of(conn, checkpoint, prompts=asked, pairs=5)
    with pytest.raises(KeyboardInterrupt):
        draw_against_records(conn, Stopped({}, ["Yes"]), plan)
    assert len(unanswered(plan_of(conn, checkpoint, prompts=asked, pairs=5))) == 3
    twin = Scripted({}, ["Yes"])
    draw_against_records(conn, twin, plan_of(conn, checkpoint, prompts=asked, pairs=5))
    assert twin.calls == 3


def test_settings_are_the_lineages_with_the_command_line_over_them() -> None:
    assert sampling_of(SAMPLING) == SHORT
    assert sampling_of(SAMPLING, temperature=0.0) == Sampling(0.0, 1.0, 12)
    assert sampling_of({}) == Sampling()
