"""Closed writing in disguise is found by all who must not repeat it; harmless text is not."""

import json
import random
import sqlite3
from typing import Any

import pytest

from align.judging.eligibility import CLOSED, MARKED, Eligibility
from align.levels import SENDABLE
from align.owner import Owner
from align.packs.travelling import Traveller
from align.paths import project_root
from align.preferences.choice_export import unsealed
from align.privacy.consent import Consent
from align.privacy.egress import EgressGate, Refused
from align.privacy.private_text import PrivateText
from align.privacy.redaction import Redactor
from align.privacy.scope import CARRIED, SENT, SHOWN, repeated
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.pairs import get_pair
from align.text.similarity import words
from tests.privacy.disguises import DISGUISES
from tests.store.rows import add_pair, append_event, record

OWNER = Owner(name="Ann")
SECRET = (
    "Before we left for the harbour, Miriam had hidden the spare key under the third blue flower "
    "pot beside our kitchen door, because nobody else would ever look there."
)
CYRILLIC = (
    "Перед отъездом Мария спрятала запасной ключ под третьим синим горшком возле кухонной двери."
)
# As often as they stand in the shipped prompts.
WORDS = [
    word
    for path in sorted((project_root() / "data" / "prompts").glob("*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
    for key, text in json.loads(line).items()
    if key in ("prompt", "question", "answer")
    for word in words(str(text))
]


def detector(level: str, *texts: str, scope: Any = SENT) -> PrivateText:
    conn = in_memory()
    for n, text in enumerate(texts):
        place = f"place {n}"
        added = record(text, level=level, origin=place, thread=place)
        add_records(conn, [added])
    return PrivateText(conn, OWNER, scope=scope)


@pytest.mark.parametrize(
    ("level", "scope"),
    [("sealed", SENT), ("sealed", SHOWN), ("sealed", CARRIED), ("train-only", SENT)],
)
@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_is_seen_through(level: str, scope: Any, name: str) -> None:
    closed = detector(level, f"Dear diary. {SECRET} And so on.", scope=scope)
    assert repeated(closed.match, list(DISGUISES[name](SECRET)))


def test_other_scripts_are_found_in_either_case() -> None:
    closed = detector("train-only", CYRILLIC)
    assert closed.match(CYRILLIC.upper())
    assert closed.match(CYRILLIC.lower())
    assert not closed.match("Перед отъездом мы долго искали ключ и ничего не нашли в доме.")


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(6, 16))).capitalize() + "."


@pytest.mark.parametrize("level", ["train-only", "sealed"])
def test_harmless_answers_are_let_through(level: str) -> None:
    """At most one of a thousand, of 10,000 answers in the words of the closed writing."""
    rng = random.Random(1)
    closed = detector(level, *(" ".join(sentence(rng) for _ in range(8)) for _ in range(300)))
    alarms = sum(
        closed.match(" ".join(sentence(rng) for _ in range(rng.randint(1, 5)))) is not None
        for _ in range(10_000)
    )
    assert alarms <= 10


TURNS = [SECRET[:70], SECRET[70:]]


def test_the_gate_to_the_network_looks_at_a_conversation_as_a_whole(root: Any) -> None:
    class Log:
        owner_id = "ann"

        def ready(self) -> None:
            pass

        def refused(self, *_: Any, **__: Any) -> None:
            pass

    gate = EgressGate(
        detector("train-only", SECRET), Consent("h", "judge", "t"), Log(),  # type: ignore[arg-type]
        host="h", purpose="judge",
    )  # fmt: skip
    first, second = SECRET.split()[:7], SECRET.split()[7:14]
    turns = [{"role": "user", "content": f"<answer_a>\n{' '.join(each)}\n</answer_a>"}
             for each in (first, second)]  # fmt: skip
    gate.check(json.dumps({"messages": turns[:1]}).encode(), "h")
    for body in ({"messages": turns}, {"requests": [{"params": {"messages": turns}}]}):
        with pytest.raises(Refused, match=r"closed writing at .*messages"):
            gate.check(json.dumps(body).encode(), "h")


def test_packs_and_exports_look_at_turns_in_a_row() -> None:
    closed = detector("sealed", SECRET, scope=CARRIED)
    words = SECRET.split()
    halves = [" ".join(words[:3]), " ".join(words[3:6])]
    assert not any(map(closed.match, halves))
    assert Traveller(closed, Redactor()).repeats_sealed(halves)
    row = {"prompt": halves[0], "chosen": halves[1]}
    assert unsealed([row], closed) == []


def eligible(conn: sqlite3.Connection, *pairs: str) -> Eligibility:
    eligibility = Eligibility(None, SENDABLE, PrivateText(conn, OWNER))
    for pair in pairs:
        found = get_pair(conn, pair)
        assert found is not None
        eligibility.comparison(found)
    return eligibility


def test_what_a_prompt_begins_an_answer_may_not_end() -> None:
    conn = in_memory()
    add_records(conn, [record(SECRET, level="train-only")])
    words = SECRET.split()
    pair = add_pair(conn, " ".join(words[:6]), (" ".join(words[6:12]), "Who knows?"))
    assert eligible(conn, pair).left_out == {CLOSED: 1}


def test_marking_a_pair_private_closes_its_words_and_says_which_others_it_takes_out() -> None:
    conn = in_memory()
    words = "We buried the tin box behind the old boat house last spring"
    marked = add_pair(conn, "Where is it?", (f"{words}.", "I can't tell."))
    same_words = add_pair(conn, "And the box?", (f"Well. {words}, as you know.", "No idea."))
    other = add_pair(conn, "What about lunch?", ("Soup, then bread.", "Nothing for me."))
    append_event(conn, kind="private", actor="owner", pair_id=marked)
    found = eligible(conn, marked, same_words, other)
    assert found.left_out == {"sealed": 1, MARKED: 1}
    assert found.marked == [same_words]
