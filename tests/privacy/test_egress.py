"""The gate lets nothing closed pass, and shuts where it cannot tell."""

import json
import pickle
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from align.owner import Owner
from align.privacy.consent import Consent
from align.privacy.egress import EgressGate, Refused
from align.privacy.egress_log import EgressLog, read
from align.privacy.private_text import PrivateText
from align.store.adding import add_records
from align.store.connection import open_store
from tests.store.rows import add_pair, append_event, record

HOST = "api.example.com"
AGREED = Consent(HOST, "judge", "terms")
SECRET = "the spare key lies under the third blue pot by the door"


@pytest.fixture
def conn(root: Path) -> sqlite3.Connection:
    conn = open_store("ann", create=True)
    add_records(conn, [record(f"Dear diary. {SECRET}.", level="sealed")])
    return conn


@pytest.fixture
def egress_log(root: Path) -> Iterator[EgressLog]:
    with EgressLog("ann") as open_channel:
        yield open_channel


@pytest.fixture
def gate(conn: sqlite3.Connection, egress_log: EgressLog) -> EgressGate:
    closed = PrivateText(conn, Owner(name="Ann"))
    return EgressGate(closed, AGREED, egress_log, host=HOST, purpose="judge")


def message(text: str) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": text}]}


def refusal(gate: EgressGate, body: Any, host: str = HOST) -> Refused:
    with pytest.raises(Refused) as raised:
        gate.check(body, host)
    return raised.value


def test_what_is_open_passes_as_bytes_and_as_json(gate: EgressGate) -> None:
    body = message("Which of these two sounds like Ann, do you think?")
    gate.check(body, HOST)
    gate.check(json.dumps(body).encode(), HOST)
    gate.check(b"", HOST)
    assert not list(read("ann"))


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (message(f"Well: {SECRET.upper()}!"), "messages[0].content"),
        ({"system": [{"type": "text", "text": SECRET}]}, "system[0].text"),
        ({"requests": [{"params": message("hi")}, {"params": message(SECRET)}]},
         "requests[1].params.messages[0].content"),
        ({"metadata": {SECRET: 1}}, "metadata.?"),
        ({"tools": [{"name": "x", "input_schema": {"deep": [[{"er": SECRET}]]}}]},
         "tools[0].?.?[0][0].?"),
        ([SECRET], "[0]"),
        (SECRET, ""),
    ],
)  # fmt: skip
def test_closed_writing_is_stopped_wherever_it_stands(
    gate: EgressGate, body: Any, where: str
) -> None:
    for form in (body, json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode()):
        refused = refusal(gate, form)
        assert (refused.reason, refused.where) == ("closed writing", where)


def test_a_member_that_stands_twice_hides_nothing(gate: EgressGate) -> None:
    body = f'{{"content": "{SECRET}", "content": "hello"}}'.encode()
    assert refusal(gate, body).reason == "closed writing"


def test_json_within_json_hides_nothing(gate: EgressGate) -> None:
    spread = json.dumps({"said": SECRET.replace(" ", "\n")})
    assert refusal(gate, message(spread)).reason == "closed writing"
    assert refusal(gate, json.dumps(message(spread)).encode()).reason == "closed writing"


@pytest.mark.parametrize("body", [b"\x89PNG\r\n", b"hello", b"{", b"\xff\xfe\x00", b'{"a":1}x'])
def test_what_is_no_json_is_stopped(gate: EgressGate, body: bytes) -> None:
    assert refusal(gate, body).reason == "not JSON"


def test_a_value_that_json_knows_not_is_stopped(gate: EgressGate) -> None:
    assert refusal(gate, {"content": b"bytes"}).reason == "not JSON"


def test_another_host_is_stopped_and_not_named(gate: EgressGate) -> None:
    refused = refusal(gate, message("hi"), f"{HOST}.evil.example.com")
    assert refused.reason == "another host"
    assert "evil" not in (Path(gate.egress_log.path).read_text() + str(refused))


@pytest.mark.parametrize(
    "consent",
    [None, Consent("elsewhere", "judge", "terms"), Consent(HOST, "questions", "terms")],
)
def test_without_consent_to_this_host_and_purpose_nothing_passes(
    conn: sqlite3.Connection, egress_log: EgressLog, consent: Consent | None
) -> None:
    closed = PrivateText(conn, Owner(name="Ann"))
    gate = EgressGate(closed, consent, egress_log, host=HOST, purpose="judge")
    assert refusal(gate, message("hi")).reason == "no consent"
    assert refusal(gate, b"").reason == "no consent"


class _Broken:
    def __init__(self, at: str) -> None:
        self._at = at

    def refresh(self) -> None:
        if self._at == "refresh":
            raise sqlite3.OperationalError(SECRET)

    def match(self, text: str) -> object | None:
        raise MemoryError(SECRET)


@pytest.mark.parametrize("closed", [_Broken("refresh"), _Broken("match"), None])
def test_a_check_that_fails_lets_nothing_pass_and_tells_nothing(
    egress_log: EgressLog, closed: Any
) -> None:
    gate = EgressGate(closed, AGREED, egress_log, host=HOST, purpose="judge")
    refused = refusal(gate, message("hi"))
    assert refused.reason == "the check failed"
    assert refused.__cause__ is None
    assert refused.__context__ is None


def test_what_is_nested_too_deeply_to_be_read_is_stopped(gate: EgressGate) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert refusal(gate, deep).reason == "the check failed"


def test_an_egress_log_that_is_gone_lets_nothing_pass(gate: EgressGate, root: Path) -> None:
    shutil.move(root / "data" / "ann" / "egress.jsonl", root / "elsewhere")
    assert refusal(gate, message("hi")).reason == "no ledger"


def test_a_closed_egress_log_lets_nothing_pass(gate: EgressGate, egress_log: EgressLog) -> None:
    egress_log.close()
    assert refusal(gate, message("hi")).reason == "no ledger"


def test_a_refusal_carries_no_text_and_stands_in_the_egress_log(gate: EgressGate) -> None:
    with pytest.raises(Refused) as raised:
        gate.check(message(SECRET), HOST, ids=("pair1",))
    with pytest.raises(Refused):
        gate.check(message(SECRET), HOST, ids=(SECRET,))
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == "closed writing at messages[0].content"
    lines = list(read("ann"))
    assert [(line["kind"], line["reason"], line["ids"]) for line in lines] == [
        ("refused", "closed writing", ["pair1"]), ("refused", "closed writing", []),
    ]  # fmt: skip
    told = json.dumps(lines) + repr(raised.value) + repr(raised.value.__dict__)
    assert not set(told.split()) & {"spare", "pot", "door"}


def test_a_pair_marked_private_a_moment_ago_is_stopped(
    conn: sqlite3.Connection, gate: EgressGate
) -> None:
    answer = "I never told them that I kept the letter all these years"
    pair = add_pair(conn, answers=(answer, "No idea."))
    gate.check(message(answer), HOST)
    gate._detector._next_look = 0.0  # type: ignore[attr-defined]
    # As the labeler does, by a connection of its own.
    append_event(open_store("ann"), kind="private", actor="owner", pair_id=pair)
    assert refusal(gate, message(answer)).reason == "closed writing"
