"""Nothing is sent before the owner agreed to these very terms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from align.errors import UserError
from align.owner import Owner
from align.privacy.consent import RULE, Consent, ask_consent, given, hash_of, terms
from align.privacy.egress_log import EgressLog, read

HOST = "api.example.com"
ANN = Owner(name="Ann", names=["Bob"])
LINES = terms(HOST, "judge", ANN)


@pytest.fixture
def egress_log(root: Path) -> Iterator[EgressLog]:
    with EgressLog("ann") as open_channel:
        yield open_channel


def say(
    egress_log: EgressLog, answer: str | None, *, yes: bool = False, lines: list[str] = LINES
) -> str:
    """Ask, and return what was shown."""
    shown: list[str] = []
    ask = None if answer is None else (lambda question: answer)
    ask_consent(egress_log, HOST, "judge", lines, ask=ask, yes=yes, show=shown.append)
    return "\n".join(shown)


def test_the_terms_say_what_leaves_to_whom_what_stays_and_the_providers_rule() -> None:
    said = "\n".join(LINES)
    for part in (HOST, "Anthropic", "facts and rubric", "sealed", "private", "egress.jsonl", RULE):
        assert part in said
    assert "the names of owner.yaml" in said
    assert "no names" in "\n".join(terms(HOST, "judge", Owner(name="Ann")))
    assert "passages of documents" in "\n".join(terms(HOST, "questions", ANN))


@pytest.mark.parametrize("answer", ["y", "YES", " yes "])
def test_a_yes_is_recorded_and_asked_for_once(egress_log: EgressLog, answer: str) -> None:
    assert RULE in say(egress_log, answer)
    assert say(egress_log, None) == ""
    (line,) = read("ann")
    del line["time"]
    assert line == {
        "kind": "consent", "host": HOST, "purpose": "judge", "terms": hash_of(LINES),
        "how": "asked",
    }  # fmt: skip
    assert given(egress_log, HOST, "judge", hash_of(LINES)) == Consent(
        HOST, "judge", hash_of(LINES)
    )


@pytest.mark.parametrize("answer", ["", "n", "no", "yes please", "\x1b[Ay", "y\x00", "\r", "1"])
def test_anything_but_a_yes_is_a_no(egress_log: EgressLog, answer: str) -> None:
    with pytest.raises(UserError, match="you did not agree"):
        say(egress_log, answer)
    assert not list(read("ann"))


def test_without_a_terminal_the_option_is_named_and_nothing_is_recorded(
    egress_log: EgressLog,
) -> None:
    with pytest.raises(UserError, match="--yes-send"):
        say(egress_log, None)
    assert not list(read("ann"))


def test_the_option_agrees_and_shows_the_terms_all_the_same(egress_log: EgressLog) -> None:
    assert RULE in say(egress_log, None, yes=True)
    assert [line["how"] for line in read("ann")] == ["yes-send"]


def test_changed_terms_another_host_and_another_purpose_ask_again(egress_log: EgressLog) -> None:
    say(egress_log, "yes")
    terms_hash = hash_of(LINES)
    assert given(egress_log, "elsewhere.example.com", "judge", terms_hash) is None
    assert given(egress_log, HOST, "questions", terms_hash) is None
    for changed in (terms(HOST, "judge", ANN, redacted=False), terms("x", "judge", ANN)):
        with pytest.raises(UserError):
            say(egress_log, None, lines=changed)


def test_what_is_shown_cannot_drive_a_terminal() -> None:
    lines = terms("h\x1b[2J", "judge", Owner(name="Ann\x1b[31m"))
    assert "\x1b" not in "".join(lines)
