"""What is said before a line to Claude is opened, and how one agrees to it."""

from pathlib import Path

import pytest
from genai_prices import __version__

from align.claude.channel import announcement, destination, obtain_consent, on_terminal
from align.claude.estimates import Estimate
from align.errors import UserError
from align.owner import load_owner
from align.privacy.egress_log import read
from tests.conversations.question_writing.documents import MODEL

ESTIMATE = Estimate(
    requests=1200,
    input_tokens=840_000,
    output_tokens=98_000,
    usd_low=2.5,
    usd_high=4.0,
    usd_at_most=7.25,
)


@pytest.fixture(autouse=True)
def _key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")


def test_what_it_will_cost_is_said_before_anything_is_sent() -> None:
    to = destination("ann", MODEL, "questions")
    assert announcement(to, ESTIMATE, None) == [
        "1,200 requests to claude-haiku-5-5 at api.anthropic.com: about 840,000 tokens read and "
        "98,000 written.",
        f"That costs $2.50 to $4.00, at most $7.25 (prices of genai-prices {__version__}).",
    ]
    assert announcement(to, ESTIMATE, 5.0)[-1] == "The budget is $5.00: no more is spent."
    assert announcement(to, ESTIMATE, 1.0)[-1].endswith(
        "no more is spent; it may not hold all of them."
    )
    assert not list(read("ann")), "to be told is to send nothing"


def test_consent_is_for_one_host_and_one_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, shown = load_owner("ann"), list[str]()
    questions = list[str]()

    def ask(question: str) -> str:
        questions.append(question)
        return "yes"

    for _ in range(2):
        to = destination("ann", MODEL, "questions")
        consent = obtain_consent(to, owner, yes=False, ask=ask, show=shown.append)
        assert (consent.host, consent.purpose) == ("api.anthropic.com", "questions")
    assert len(questions) == 1
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    obtain_consent(
        destination("ann", MODEL, "questions"), owner, yes=False, ask=ask, show=shown.append
    )
    obtain_consent(destination("ann", MODEL, "judge"), owner, yes=False, ask=ask, show=shown.append)
    assert len(questions) == 3
    with pytest.raises(UserError, match="nobody is there to agree"):
        to = destination("ann", MODEL, "judge")
        obtain_consent(to, owner, yes=False, ask=None, show=shown.append, redacted=False)


def test_nobody_is_asked_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert on_terminal() is None


def test_ctrl_c_at_the_question_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", interrupted, raising=False)
    ask = on_terminal()
    assert ask is not None
    with pytest.raises(KeyboardInterrupt):
        ask("Send this?")


@pytest.mark.parametrize(("typed", "said"), [("yes\n", "yes\n"), ("", "")])
def test_the_question_stands_on_stderr_and_no_input_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, said: str
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: typed, raising=False)
    ask = on_terminal()
    assert ask is not None and ask("Send this?") == said
    assert capsys.readouterr() == ("", "Send this?: ")
