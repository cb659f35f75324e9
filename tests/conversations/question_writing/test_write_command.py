"""`align questions write --by claude`, as it is typed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from align.paths import owner_dir
from align.privacy.egress_log import read
from align.store.connection import open_store
from align.store.questions import iter_questions
from tests.anthropic_server import serve
from tests.commands.line import Line
from tests.conversations.question_writing.documents import (
    CHESS,
    GARDEN,
    PRIVATE,
    asks_about_it,
    asks_about_the_post,
    attempts,
    document,
    filled,
    posts,
)

BY_CLAUDE = ("questions", "write", "--owner", "ann", "--by", "claude", "--recipe", "demo")


@pytest.fixture
def line(
    capsys: pytest.CaptureFixture[str], there: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> Line:
    monkeypatch.setattr("align.models.loading.load_model", lambda checkpoint: tiny)
    return Line(capsys)


def test_it_says_what_it_will_cost_then_asks_and_then_writes(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(
        "ann",
        [document(CHESS, "1"), document(GARDEN, "2"), document(PRIVATE, "3", level="train-only")],
    )
    with serve(answer=asks_about_it) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        line(*BY_CLAUDE, "--yes-send", "--limit", 1)
        assert server.attempts() == 1
        assert "Not sent: 1 passage of train-only documents." in line.err
        told = ("1 request to claude-haiku-5-5", "That costs $", "What never leaves")
        places = [line.err.index(said) for said in told]
        assert places == sorted(places)
        assert "It cost $0.0" in line.err
        line(*BY_CLAUDE)
        assert "What leaves" not in line.err, "what was agreed to is not asked again"
        assert "Not sent" in line.err
        assert "answer none" in line.out
        assert server.attempts() == 2
        line(*BY_CLAUDE)
        assert line.out == "No passage waits for a question.\n"
        assert server.attempts() == 2
    assert len(list(iter_questions(open_store("ann")))) == 2


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled("ann", [document(CHESS, "1"), document(GARDEN, "2", level="train-only")])
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with serve() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        line(*BY_CLAUDE, "--dry-run")
        assert server.attempts() == 0
    written = (owner_dir("ann") / "questions-dry-run.txt").read_text("utf-8")
    assert CHESS in written
    assert GARDEN not in written
    assert "questions-dry-run.txt, 1 requests." in line.err
    assert "That costs $" in line.err
    assert not list(owner_dir("ann").glob("egress*")), "what sends nothing notes nothing"


def test_nothing_is_sent_where_nobody_agreed(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    filled("ann", [document(CHESS, "1")])
    with serve() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        line(*BY_CLAUDE, code=2, one_line=False)
        assert "--yes-send" in line.err.splitlines()[-1]
        for said in ("", "no", "maybe"):
            answers(monkeypatch, said)
            line(*BY_CLAUDE, code=2, one_line=False)
            assert "nothing was sent: you did not agree" in line.err
        assert server.attempts() == 0
        answers(monkeypatch, "yes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("asyncio.run", _no_run)
            with pytest.raises(KeyError, match="sent"):
                line(*BY_CLAUDE)
    assert [each["kind"] for each in read("ann")] == ["consent"]


def answers(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr("align.claude.channel.on_terminal", lambda: lambda question: said)


def _no_run(going: Any) -> None:
    going.close()
    raise KeyError("sent")


def test_without_a_key_nobody_is_asked(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    filled("ann", [document(CHESS, "1")])
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setattr("align.claude.provider._stored_key", lambda: "")
    line(*BY_CLAUDE, "--yes-send", code=2, one_line=False)
    assert "no key" in line.err.splitlines()[-1]
    assert list(read("ann")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "base", "--yes-send", "--model", "x"), "--model, --yes-send: goes with --by"),
        (("--dry-run",), "--dry-run: goes with --by claude only"),
        (("--by", "claude", "--drawn", "0"), "--drawn 0: Claude would be asked for nothing"),
        (("--by", "claude", "--model", "claude-haiku-9"), "its price is not known"),
        (("--by", "claude", "--as", "plain"), "--as plain: Claude isn't asked for that"),
        (("--as", "plain", "--drawn", "0"), "Say --by base with --drawn 1 or more"),
        (("--by", "rule"), "--by rule: questions by rule are made with the examples"),
        (("--by", "rule", "--as", "plain", "--dry-run"), "--dry-run: goes with --by claude only"),
    ],
)
def test_what_does_not_go_together_is_named(line: Line, words: tuple[str, ...], said: str) -> None:
    filled("ann", [document(CHESS, "1")])
    line("questions", "write", "--owner", "ann", *words, code=2)
    assert said in line.err


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_pays_for_one_batch_again_at_most(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = filled("ann", posts(40))
    enough = threading.Event()

    def watch(received: Any) -> None:
        if server.attempts() >= 20:
            enough.set()

    with serve(answer=asks_about_the_post, watch=watch) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        words = [sys.executable, "-m", "align.cli", *BY_CLAUDE, "--yes-send"]
        with subprocess.Popen(words, env=dict(os.environ), stderr=subprocess.DEVNULL) as process:
            assert enough.wait(120)
            process.send_signal(signal.SIGKILL)
            process.wait()
        kept = len(list(iter_questions(conn)))
        assert 16 <= kept < 40
        subprocess.run(words, check=True, timeout=300, capture_output=True)
        assert len(list(iter_questions(conn))) == 40
        assert server.attempts() <= 40 + 16
        lines = list(attempts("ann"))
        assert len(lines) >= server.attempts()
        assert sum(line["status"] == 200 for line in lines) <= server.attempts()


def test_the_base_says_passages_plainly_once(line: Line) -> None:
    filled("ann", [document(f"{CHESS} {GARDEN}", "1")])
    words = ("questions", "write", "--owner", "ann", "--recipe", "demo", "--as", "plain")
    line(*words, "--drawn", 1)
    assert line.out.startswith("plain wordings: kept for ") and "1 passages" in line.err
    line(*words, "--drawn", 1)
    assert line.out == "No passage waits for a question.\n"


def test_notes_by_rule_need_no_base_and_are_made_of_english_alone(line: Line, root: Path) -> None:
    filled("ann", [document(f"{CHESS} {GARDEN}", "1")])
    words = ("questions", "write", "--owner", "ann", "--by", "rule", "--as", "plain")
    line(*words, "--recipe", "nobody's")
    assert line.out == "plain wordings: kept for 1 passages; 0 answer none that was found\n"
    line("questions", "list", "--owner", "ann")
    assert "Say this as you would, from notes: " in line.out
    line(*words)
    assert line.out.startswith("plain wordings: kept for 0 ")
    (owner_dir("ann") / "owner.yaml").write_text("name: Ann\ncleaning: {languages: [de]}\n")
    line(*words, code=2)
    assert "no notes are made of de, of English alone" in line.err
