"""An owner's pairs: one labeler at a time, others read and write beside it."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from align.cli import app
from align.errors import UserError
from align.paths import owner_dir, store_path
from align.store.adding import add_records
from align.store.choices import current_choices
from align.store.connection import connect
from align.store.verdicts import Verdict, add_verdicts, counts
from labeler.pair_sources import owner_pairs
from labeler.session import Session
from tests.labeler.stores import store_of_pairs
from tests.store.rows import record


def align(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_who_comes_second_is_told_where_and_by_whom_and_what_to_do(root: Path):
    store_of_pairs(store_path("ann"), 3).close()
    with owner_pairs("ann"):
        message = r"ann/twin.db: another labeler .*process \d+.*quit"
        with pytest.raises(UserError, match=message), owner_pairs("ann"):
            pass
    with owner_pairs("ann") as source:
        assert source.title == "ann"


def test_the_demo_asks_for_its_owner_s_voice_with_a_sample(root: Path):
    store_of_pairs(store_path("eva"), 3).close()
    (owner_dir("eva") / "simulated.json").write_text("{}")
    (owner_dir("eva") / "owner.yaml").write_text("name: Eva Fern\n")
    with closing(connect(store_path("eva"))) as conn:
        add_records(conn, [record("I take the long way home, for the ducks.")])
    with owner_pairs("eva") as source:
        sample = 'Eva Fern writes: "I take the long way home, for the ducks."'
        assert source.ask == f"Which one sounds like Eva Fern? {sample}"


def test_an_owner_without_a_store_gets_no_folder(root: Path):
    with pytest.raises(UserError, match="no store yet"), owner_pairs("ann"):
        pass
    assert not owner_dir("ann").exists()


def test_others_read_and_write_beside_a_session_and_no_act_is_lost_or_doubled(
    root: Path, tmp_path: Path
):
    store_of_pairs(store_path("ann"), 12).close()
    file = tmp_path / "theirs.jsonl"
    with owner_pairs("ann") as source:
        session = Session(source.conn, seed=1)
        pairs = []
        for n in range(4):
            question = session.question
            assert question is not None
            pairs.append(question.pair.id)
            row = {
                "prompt": question.pair.messages[-1]["content"],
                "a": question.pair.text_a,
                "b": question.pair.text_b,
                "outcome": "neither",
            }
            file.write_text(json.dumps(row) + "\n" + json.dumps({**row, "a": f"{n}."}) + "\n")
            align("choices", "import", str(file), "--owner", "ann")
            with closing(connect(store_path("ann"))) as other:
                verdict = Verdict(
                    pair_id=pairs[-1], judge="local", model="m", order="ab", prompt_hash="p",
                    winner="a", time="2026-01-31T12:00:00.000000Z",
                )  # fmt: skip
                add_verdicts(other, [verdict])
            session.answer("both")
            assert f"\tboth\t{row['prompt']}" in align("choices", "list", "--owner", "ann")
        session.skip()
        assert session.undo() == "the skip" and session.undo() == "the answer"
        assert session.question is not None and session.question.pair.id == pairs[-1]
        assert session.redo() == "the answer"
        assert "4 owner" in align("status", "--owner", "ann")
        exported = align("choices", "export", "--owner", "ann").splitlines()
        assert sum(json.loads(line)["actor"] == "owner" for line in exported) == 4
        mine = current_choices(source.conn, actors=["owner"])
        assert [choice.pair_id for choice in mine] == pairs
        assert counts(source.conn)["local", "m", "p"].answers == 4
        assert session.answered == 4
        assert len(Session(source.conn).decisions) == 4
