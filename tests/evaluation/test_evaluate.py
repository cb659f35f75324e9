"""A whole evaluation of tiny twins: every measure, resumed, and the same again."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align.errors import UserError
from align.evaluation.evaluate import (
    compared_checkpoints,
    evaluate,
    evaluation_request,
    shared_sampling,
)
from align.evaluation.evaluation_data import EvaluationRequest
from align.evaluation.reference_texts import reference_texts
from align.models.checkpoints import Checkpoint
from align.store.adding import add_records
from align.store.answers import iter_evaluation_answers
from align.store.connection import open_store
from align.store.prompts import Prompt, add_prompts
from align.store.records import Record
from tests.little_twins import SAMPLING, write_twin

SUBJECTS = ["kettle", "harbour", "garden", "library", "concert", "beans", "bus", "coat"]


@pytest.fixture
def conn(root: Path) -> sqlite3.Connection:
    conn = open_store("ann", create=True)
    for n in range(32):
        split: Any = "evaluation" if n % 4 == 0 else "train"
        subject = SUBJECTS[n % 8]
        turns = [(f"What of the {subject} {n}?", False), (f"well, the {subject}... is mine", True)]
        for position, (text, own) in enumerate(turns):
            record = Record.new(
                kind="turn", source="chats", origin="c.jsonl", thread=f"t{n}", text=text,
                is_owner=own, level="open", split=split, position=position,
            )  # fmt: skip
            add_records(conn, [record])
    for split, count in (("train", 12), ("evaluation", 24)):
        add_prompts(
            conn,
            [
                Prompt.new(
                    [{"role": "user", "content": f"Tell me of the {SUBJECTS[n % 8]}, {split} {n}"}],
                    source="added", thread=f"{split}{n}", split=split,
                )
                for n in range(count)
            ],
        )  # fmt: skip
    return conn


@pytest.fixture
def twins(root: Path) -> tuple[Checkpoint, Checkpoint]:
    sft = write_twin("ann", "sft", seed=1)
    return sft, write_twin("ann", "dpo", seed=2, parent=sft, metrics={"reward_accuracy": 0.6})


def request_of(
    conn: sqlite3.Connection, owner_id: str = "ann", prompts: int | None = 24
) -> EvaluationRequest:
    checkpoints = compared_checkpoints("ann", [])
    return evaluation_request(
        conn, owner_id, checkpoints, reference_texts(conn, owner_id),
        prompts=prompts, sampling=shared_sampling(checkpoints),
    )  # fmt: skip


@pytest.mark.usefixtures("twins")
def test_every_measure_of_every_checkpoint_is_taken_and_taken_once(
    conn: sqlite3.Connection, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_of(conn)
    assert list(request.checkpoints) == ["base", "sft", "dpo"]
    assert request.sampling.as_dict() == SAMPLING
    card, folder = evaluate(conn, request)
    assert {measure.name for measure in card.measures} >= {
        "distance to the owner's habits", "voice (log-odds, capped)", "on topic", "repetition",
        "words", "perplexity of the owner's text", "perplexity of neutral text",
        "held-out reward accuracy",
    }  # fmt: skip
    for measure in card.measures:
        wanted = {"dpo"} if "accuracy" in measure.name else {"base", "sft", "dpo"}
        assert set(measure.values) == wanted
    assert card.judge.weak
    assert card.prompts == 24
    assert json.loads((folder / "scorecard.json").read_text())["owner"] == "ann"
    assert "side by side" in (folder / "scorecard.md").read_text()
    answers = list(iter_evaluation_answers(conn))
    capsys.readouterr()
    again, same = evaluate(conn, request_of(conn))
    assert (again, same) == (card, folder)
    assert "Nothing changed" in capsys.readouterr().err
    assert list(iter_evaluation_answers(conn)) == answers


@pytest.mark.usefixtures("twins")
def test_a_stopped_evaluation_goes_on_to_the_same_scorecard(
    conn: sqlite3.Connection, root: Path
) -> None:
    import shutil

    from align.evaluation.checkpoint_answers import answer_all
    from align.models.loading import load_model

    request = request_of(conn)
    whole, folder = evaluate(conn, request)
    shutil.rmtree(folder.parent)
    conn.execute("DELETE FROM evaluation_answers")
    model = load_model(request.checkpoints["sft"])
    answer_all(conn, model, request.prompts[:7], seed=0, sampling=request.sampling)
    resumed, _ = evaluate(conn, request)
    assert resumed.matches == whole.matches
    assert resumed.measures == whole.measures
    assert resumed.samples == whole.samples


@pytest.mark.usefixtures("twins")
def test_held_out_prompts_only_and_no_identity(conn: sqlite3.Connection) -> None:
    add_prompts(
        conn,
        [Prompt.new([{"role": "user", "content": "Who are you?"}], source="identity", thread="id",
                    split="evaluation")],
    )  # fmt: skip
    request = request_of(conn, prompts=None)
    assert {prompt.split for prompt in request.prompts} == {"evaluation"}
    assert {prompt.split for prompt in request.judge_prompts} == {"train"}
    assert "identity" not in {prompt.source for prompt in request.prompts}


def test_a_dpo_twin_meets_the_sft_twin_it_grew_from(
    conn: sqlite3.Connection, twins: tuple[Checkpoint, Checkpoint]
) -> None:
    newer = write_twin("ann", "sft", seed=3)
    assert newer.name == "003-sft"
    assert compared_checkpoints("ann", [])["sft"].name == "001-sft"
    assert compared_checkpoints("ann", ["base", "003-sft"])["003-sft"].name == "003-sft"


@pytest.mark.usefixtures("twins")
def test_no_writing_is_said_in_one_line(root: Path) -> None:
    conn = open_store("bea", create=True)
    with pytest.raises(UserError, match=r"no writing in the store.*make ingest OWNER=bea"):
        request_of(conn, "bea")


@pytest.mark.usefixtures("twins")
def test_a_box_without_records_is_evaluated_by_its_packed_rows(root: Path) -> None:
    from align.files import write_jsonl_atomically

    conn = open_store("cat", create=True)
    rows = [
        {"messages": [{"role": "user", "content": f"q {n}"},
                      {"role": "assistant", "content": f"well... {n}"}],
         "source": "chats", "split": "held_out" if n < 3 else "train"}
        for n in range(9)
    ]  # fmt: skip
    write_jsonl_atomically(root / "data" / "cat" / "packed" / "sft-rows.jsonl", rows)
    request = request_of(conn, "cat", prompts=None)
    references = request.references
    assert (len(references.owner.answers), len(references.held_out.answers)) == (6, 3)
    assert request.prompts
