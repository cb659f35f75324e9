"""What `align judge` says of judges that know nothing, and of one that another answers for."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from align.store.connection import open_store
from align.store.events import append_events
from align.store.pairs import get_pairs
from tests.anthropic_server import Server, serve
from tests.commands.line import Line
from tests.e2e.judged_owner import JUDGE, KEY, OWNER, GoingTo, build, chose, ear, lot, shown


@pytest.fixture(autouse=True)
def with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def always(winner: str | Callable[[str, str], str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what answers so whatever the owner's voice is."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        says = winner if isinstance(winner, str) else winner(*shown(params))
        return {"notes_a": "-", "notes_b": "-", "winner": says, "certainty": "high"}

    return answer


def shorter(first: str, second: str) -> str:
    return "A" if len(first.split()) < len(second.split()) else "B"


def likes_shorter(chosen: list[str], share: float) -> None:
    """Have the owner choose the shorter answer in so many of her pairs."""
    with closing(open_store(OWNER)) as conn:
        events = []
        for id, pair in get_pairs(conn, chosen).items():
            is_shorter = len(pair.text_a) < len(pair.text_b)
            takes_a = is_shorter == (lot("likes shorter", id) < share)
            events.append(chose(id, "a" if takes_a else "b"))
        append_events(conn, events)


@pytest.mark.parametrize("choices", [50, 119])
def test_a_judge_that_takes_the_shorter_answer_is_shut_out_where_the_owner_likes_it(
    root: Path, align: Line, going_to: GoingTo, choices: int
) -> None:
    built = build(root, waiting=10, choices=choices)
    likes_shorter(built.chosen, 0.75)
    with serve(answer=always(shorter)) as server:
        going_to(server)
        said = align(*JUDGE)
        assert "The gate is shut: it knows no more than a rule, to take" in said
        assert "More choices would not help as it stands" in said
        assert sent(server) == 2 * choices


def test_a_judge_that_says_neither_is_told_so(root: Path, align: Line, going_to: GoingTo) -> None:
    build(root, waiting=10, choices=40)
    with serve(answer=always("neither")) as server:
        going_to(server)
        said = align(*JUDGE)
    assert "it gives no verdict: it says that neither sounds more like the owner" in said
    assert "both ways round" not in said


def test_what_is_left_out_is_said(root: Path, align: Line, going_to: GoingTo) -> None:
    built = build(root, waiting=10, choices=40)
    with closing(open_store(OWNER)) as conn:
        append_events(conn, [chose(id, "both") for id in built.chosen[:5]])
    with serve(answer=ear(0.95)) as server:
        going_to(server)
        said = align(*JUDGE)
    assert "against 40 choices of the owner's (5 of both or neither)" in said
    assert "10 pairs have a verdict" in said or "of 10 pairs have a verdict" in said


def test_another_model_that_answers_is_another_judge(
    root: Path, align: Line, going_to: GoingTo
) -> None:
    build(root, waiting=30, choices=40)
    with serve(answer=ear(0.95)) as server:
        going_to(server)
        align(*JUDGE, "--limit", "10")
        server.behaviour.answers_as = "gpt-4"
        align(*JUDGE, code=2, one_line=False)
        assert "gpt-4 answers where claude-haiku-5-5 did" in align.err
        said = align(*JUDGE)
    assert "claude claude-haiku-5-5 (gpt-4 answered) against 40 choices" in said
    assert align("judge", "--owner", OWNER, "--history").count("\n") == 2


def sent(server: Server) -> int:
    return sum(each.path == "/v1/messages" for each in server.received)
