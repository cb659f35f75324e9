"""What Claude is sent of an owner's documents, and what becomes of what it offers."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from align.claude.budget import Budget
from align.claude.channel import destination, obtain_consent, open_channel
from align.conversations.question_writing import claude_writer
from align.conversations.question_writing.claude_writer import (
    PURPOSE,
    ClaudeWriter,
    Outcome,
    withheld_lines,
)
from align.conversations.question_writing.weighing import best_questions
from align.errors import UserError
from align.owner import load_owner
from align.privacy import private_text as private_text
from align.privacy.private_text import PrivateText
from align.privacy.redaction import redactor_for
from align.store.connection import connect
from align.store.questions import iter_questions
from align.store.records import set_level
from tests.anthropic_server import Server, serve
from tests.anthropic_server.faults import (
    DROPPED,
    RATE_LIMITED,
    REFUSAL,
    TRUNCATED,
    UNPAID,
    WRONG_KEYS,
    says,
)
from tests.conversations.question_writing.documents import (
    CHESS,
    GARDEN,
    MODEL,
    PRIVATE,
    asks_about_it,
    asks_about_the_post,
    attempts,
    document,
    filled,
    passages_sent,
    posts,
)

WRITER = f"claude:{MODEL}"
# Passages that are sent together in these tests.
FEW = 4


@pytest.fixture(autouse=True)
def _there(there: Path) -> None:
    pass


def written(
    conn: sqlite3.Connection,
    server: Server,
    twin: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    budget_usd: float | None = 1.0,
    drawn: int = 4,
    batch_size: int = FEW,
) -> Outcome:
    """Let Claude write for all that waits."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    owner = load_owner("ann")
    to = destination("ann", MODEL, PURPOSE)
    writer = ClaudeWriter(conn, owner, model=MODEL, drawn=drawn)
    detector = PrivateText(conn, owner, known=(writer.instructions,))
    consent = obtain_consent(to, owner, yes=True, ask=None, show=lambda line: None)
    requests, _ = writer.requests(detector)

    async def run() -> Outcome:
        async with open_channel(conn, to, detector, consent, budget_usd=budget_usd) as line:
            return await writer.write(twin, line, requests, batch_size=batch_size)

    return asyncio.run(run())


def test_the_question_that_makes_a_passage_likelier_is_kept(
    base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", [document(CHESS, "One"), document(GARDEN, "Two")])
    with serve(answer=asks_about_it) as server:
        outcome = written(conn, server, base, monkeypatch)
        assert (outcome.kept, outcome.left_out, outcome.unasked) == (2, 0, 0)
        assert written(conn, server, base, monkeypatch) == Outcome(), "asked once is enough"
        assert server.attempts() == 2
    found = list(iter_questions(conn))
    assert [each.question for each in found] == [
        "What do you think about chess?",
        "What do you think about garden?",
    ]
    for each in found:
        assert each.writer == WRITER
        assert each.left_out is None
        assert each.overlap == 1.0
        assert each.gain is not None and each.gain > 0


def test_what_is_offered_is_weighed_like_any_other_question(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No title and no word on what the passage speaks of: nothing is kept."""
    conn = filled("ann", [document(CHESS, "1")])
    offered = {"questions": ["How do you like helicopters in Norway?", "Chess.", "Why?"]}
    with serve(answer=lambda params: json.dumps(offered)) as server:
        outcome = written(conn, server, tiny, monkeypatch)
    [found] = iter_questions(conn)
    assert "helicopters" not in found.question
    assert outcome.kept + outcome.left_out == 1
    assert found.question not in offered["questions"]


def test_no_more_is_taken_than_was_asked_for(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = filled("ann", [document(CHESS, "1")])
    offered = ["Who asks about helicopters, and why?", "Would you play chess on any evening?"]
    with serve(answer=lambda params: json.dumps({"questions": offered})) as server:
        written(conn, server, tiny, monkeypatch, drawn=1)
    [found] = iter_questions(conn)
    assert found.question != offered[1]


def test_private_documents_never_reach_the_server(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        document(CHESS, "Open"),
        document(PRIVATE, "Kept here", level="train-only"),
        document(PRIVATE.replace("lost", "hidden"), "Sealed", level="sealed"),
        document(PRIVATE.replace("lost", "sold"), "Held out", split="evaluation"),
    ]
    conn = filled("ann", records)
    with serve(answer=asks_about_it) as server:
        outcome = written(conn, server, tiny, monkeypatch)
        assert not outcome.problems, "they don't even come to the gate"
        sent = passages_sent(server)
        assert len(sent) == 1 and CHESS in sent[0]
        assert not any(b"lighthouse" in body for body in server.bodies())
    assert len(list(iter_questions(conn))) == 1


def test_a_document_that_is_sealed_meanwhile_stays_here(
    tiny: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_text, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(private_text, "_LOOK_SHARE", 1e9)
    records = posts(FEW + 2)
    conn = filled("ann", records)
    requests = ClaudeWriter(conn, load_owner("ann"), model=MODEL, drawn=4).requests(
        PrivateText(conn, load_owner("ann"))
    )[0]
    late = requests[-1].open_passage.record

    def seal(received: Any) -> None:
        other = connect(root / "data" / "ann" / "twin.db")
        set_level(other, "sealed", id=late.id)
        other.close()

    with serve(answer=asks_about_the_post, watch=seal) as server:
        outcome = written(conn, server, tiny, monkeypatch)
        assert outcome.problems == {"blocked": 1}
        assert server.attempts() == FEW + 1
        assert not any(late.text in sent for sent in passages_sent(server))


def test_names_and_numbers_are_replaced_before_they_leave(
    tiny: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "data" / "ann").mkdir()
    (root / "data" / "ann" / "owner.yaml").write_text("name: Ann\nnames: [Rosalind]\n")
    text = f"{CHESS} Rosalind taught me, and whoever wants a game calls 020 7946 0018 first."
    conn = filled("ann", [document(text, "Open")])

    def answer(params: dict[str, Any]) -> str:
        shown = params["messages"][0]["content"]
        # The stand-in for the number, in a question: it would not be the passage's in training.
        number = shown.split("calls ")[1].split(" first")[0]
        name = shown.split(" taught me")[0].split()[-1]
        return json.dumps({"questions": [f"Chess at {number}, is it?", f"Did {name} play chess?"]})

    offered: list[str] = []

    def weigh(twin: Any, batch: Any, writer: str) -> Any:
        offered.extend(question for each in batch for question in each.questions)
        return best_questions(twin, batch, writer)

    monkeypatch.setattr(claude_writer, "best_questions", weigh)
    with serve(answer=answer) as server:
        written(conn, server, tiny, monkeypatch)
        [sent] = server.bodies()
    assert b"Rosalind" not in sent and b"7946" not in sent
    [found] = iter_questions(conn)
    assert any(each.startswith("Did ") for each in offered)
    assert not any("Chess at" in each for each in offered)
    both = redactor_for(load_owner("ann")).redact_texts([found.question, text])
    assert both[0] == found.question
    assert both[1] in json.loads(sent)["messages"][0]["content"], "it is trained as it was shown"


def test_what_repeats_closed_writing_is_left_out_and_counted() -> None:
    class Closed:
        def match(self, text: str) -> object | None:
            return text if "chess" in text else None

        def refresh(self) -> None:
            pass

    records = [
        document(CHESS, "1"),
        document(GARDEN, "2"),
        document(PRIVATE, "3", level="train-only"),
    ]
    conn = filled("ann", records)
    writer = ClaudeWriter(conn, load_owner("ann"), model=MODEL, drawn=4)
    requests, withheld = writer.requests(Closed())
    assert [each.shown for each in requests] == [GARDEN]
    assert list(withheld.values()) == [1, 1]
    assert withheld_lines(withheld) == [
        "Not sent: 1 passage of train-only documents, 1 passage with words that must not leave."
    ]
    assert writer.requests(Closed(), limit=0)[0] == []


def test_the_egress_log_has_a_line_for_each_attempt(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", [document(CHESS, "One"), document(GARDEN, "Two")])
    faults = [RATE_LIMITED, DROPPED, None, None, RATE_LIMITED]
    with serve(answer=asks_about_it, faults=faults) as server:
        outcome = written(conn, server, tiny, monkeypatch)
        assert outcome.kept + outcome.left_out == 2
        lines = list(attempts("ann"))
        assert len(lines) == server.attempts() >= 4
    assert {line["purpose"] for line in lines} == {"questions"}
    documents = {each.record_id for each in iter_questions(conn)}
    assert {id for line in lines for id in line["ids"]} == documents


def test_refusals_and_odd_replies_are_counted_and_wait(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = posts(4)
    conn = filled("ann", records)

    def fault(number: int, params: dict[str, Any]) -> Any:
        shown = params["messages"][0]["content"]
        kinds = {"Entry 0": REFUSAL, "Entry 1": WRONG_KEYS, "Entry 2": TRUNCATED}
        return next((fault for word, fault in kinds.items() if word in shown), None)

    with serve(answer=asks_about_the_post, faults=fault) as server:
        outcome = written(conn, server, tiny, monkeypatch)
        assert outcome.problems == {"refused": 1, "malformed": 1, "truncated": 1}
        assert outcome.kept + outcome.left_out == 1
        assert outcome.lines(Budget())[1] == (
            "Left for a later run: 3 passages (1 malformed, 1 refused, 1 truncated)."
        )
        server.behaviour.faults = None
        later = written(conn, server, tiny, monkeypatch)
    assert later.kept + later.left_out == 3
    assert not later.problems


def test_a_reply_of_no_question_is_an_answer(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = filled("ann", [document("No question comes to mind at all, " * 5, "1")])
    with serve(faults=[says('{"questions": []}')]) as server:
        outcome = written(conn, server, tiny, monkeypatch)
        assert not outcome.problems
        assert written(conn, server, tiny, monkeypatch) == Outcome()
        assert server.attempts() == 1


def test_the_budget_is_a_hard_stop(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    conn = filled("ann", posts(3 * FEW))
    with serve(answer=asks_about_the_post) as server:
        outcome = written(conn, server, tiny, monkeypatch, budget_usd=0.0008)
        done = outcome.kept + outcome.left_out
        assert FEW < done < 3 * FEW
        assert outcome.unasked == 3 * FEW - done
        assert len(list(iter_questions(conn))) == done == server.attempts()
    assert sum(line["cost"] for line in attempts("ann")) <= 0.0008


def test_what_was_paid_for_is_kept_when_the_account_runs_dry(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", posts(2 * FEW))

    def fault(number: int, params: dict[str, Any]) -> Any:
        return UNPAID if number >= FEW + 2 else None

    with (
        serve(answer=asks_about_the_post, faults=fault) as server,
        pytest.raises(UserError, match="no credit left"),
    ):
        written(conn, server, tiny, monkeypatch)
    assert len(list(iter_questions(conn))) >= FEW


def test_a_run_that_is_stopped_goes_on_where_it_was(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", posts(3 * FEW))
    running: list[Any] = []
    seen = set()

    def stop(received: Any) -> None:
        seen.add(received.body)
        if len(seen) == FEW + 2:
            running[0].get_loop().call_soon_threadsafe(running[0].cancel)

    write = ClaudeWriter.write

    async def watched(self: Any, *words: Any, **more: Any) -> Any:
        running[:] = [asyncio.current_task()]
        return await write(self, *words, **more)

    monkeypatch.setattr(ClaudeWriter, "write", watched)
    with serve(answer=asks_about_the_post, watch=stop) as server:
        with pytest.raises(asyncio.CancelledError):
            written(conn, server, tiny, monkeypatch)
        # What was under way is paid, and kept.
        assert len(list(iter_questions(conn))) == len(server.seen.billed) > FEW
        server.behaviour.watch = None
        written(conn, server, tiny, monkeypatch)
        assert server.attempts() == 3 * FEW, "nothing is paid twice"
    assert len(list(iter_questions(conn))) == 3 * FEW


def test_without_consent_the_gate_lets_nothing_pass(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", [document(CHESS, "One")])
    owner = load_owner("ann")
    with serve(answer=asks_about_it) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        writer = ClaudeWriter(conn, owner, model=MODEL, drawn=4)
        detector = PrivateText(conn, owner)

        async def run() -> None:
            to = destination("ann", MODEL, PURPOSE)
            async with open_channel(conn, to, detector, None, budget_usd=1.0) as line:
                await writer.write(tiny, line, writer.requests(detector)[0])

        with pytest.raises(UserError, match="no consent"):
            asyncio.run(run())
        assert server.attempts() == 0
    assert list(iter_questions(conn)) == []
