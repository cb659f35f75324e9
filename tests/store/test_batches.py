from pathlib import Path

from align.store.batches import (
    batch_ended,
    batch_sent,
    known_batches,
    open_batches,
    plan_batch,
)
from align.store.connection import connect, in_memory

SENT = {"host": "api.example", "model": "m", "purpose": "judge"}


def test_a_killed_run_finds_its_batches_again(tmp_path: Path) -> None:
    conn = connect(tmp_path / "twin.db", create=True)
    sent = plan_batch(conn, **SENT, requests=["r2", "r1"], planned="2026-01-01")
    unsent = plan_batch(conn, **SENT, requests=["r3"], planned="2026-01-02")
    batch_sent(conn, sent.id, "msgbatch_1")
    conn.close()
    first, second = open_batches(connect(tmp_path / "twin.db"))
    assert (first.id, first.batch, first.requests) == (sent.id, "msgbatch_1", ("r2", "r1"))
    assert (second.id, second.batch, second.planned) == (unsent.id, None, "2026-01-02")


def test_a_batch_that_ended_is_known_and_no_more_under_way() -> None:
    conn = in_memory()
    plans = [plan_batch(conn, **SENT, requests=[f"r{n}"]) for n in range(2)]
    for n, plan in enumerate(plans):
        batch_sent(conn, plan.id, f"msgbatch_{n}")
    batch_ended(conn, plans[0].id)
    assert [batch.batch for batch in open_batches(conn)] == ["msgbatch_1"]
    assert known_batches(conn, "api.example") == {"msgbatch_0", "msgbatch_1"}
    assert known_batches(conn, "api.other") == set()


def test_batches_are_told_apart_by_what_they_are_for() -> None:
    conn = in_memory()
    plan_batch(conn, **SENT, requests=["r"])
    asked = plan_batch(conn, **{**SENT, "purpose": "questions"}, requests=["r"])
    assert [batch.id for batch in open_batches(conn, "questions")] == [asked.id]
    assert len(open_batches(conn)) == 2
    assert open_batches(conn, "another") == []
