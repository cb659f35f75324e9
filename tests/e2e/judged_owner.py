"""An owner whose pairs wait for a judge, a stand-in that hears her voice, and `align judge`."""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from align.claude.prices import Usage, price_of
from align.preferences.preference import side_of
from align.privacy.egress_log import read
from align.recipe.recipe_keys import DEFAULTS
from align.store.answers import Answer, add_answers
from align.store.connection import open_store, transaction
from align.store.events import NewEvent, append_events
from align.store.ids import Split
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts
from align.store.verdicts import PASSING
from tests.anthropic_server import Server, question_of

OWNER, MODEL, KEY = "ann", "claude-haiku-5-5", "sk-test-0f1e2d3c4b5a69788796"
SETTINGS: dict[str, Any] = {
    "name": "Ann Petrie",
    "facts": {"Where do you live?": "By the sea, more or less."},
    "rubric": "Short sentences.\nDry, never polite for the sake of it.\nSays mate to everybody.",
}
# What only she says, so that a stand-in can tell whose voice an answer is.
VOICE = "mate"
THINGS = (
    "bread", "kitchen", "garden", "river", "letter", "window", "mountain", "evening", "bicycle",
    "kettle", "orchard", "market", "ladder", "winter", "uncle", "violin", "harbour", "lantern",
)  # fmt: skip
JUDGE = ("judge", "--owner", OWNER, "--judge", "claude", "--yes-send")
# Says where the provider is, and returns it.
GoingTo = Callable[[Server], Server]
_ANSWERS = re.compile(r"<answer_([ab])>\n(.*?)\n</answer_\1>", re.DOTALL)


@dataclass
class Built:
    """What a store was filled with.

    Attributes:
        waiting: Pairs that nobody chose of and that a judge may be asked about.
        chosen: Pairs that the owner chose of.
    """

    waiting: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)


def lot(*parts: object) -> float:
    """Return a number from 0 to 1 that the same parts always give."""
    name = " ".join(map(str, parts))
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32


def twin_answers(number: int) -> tuple[str, str]:
    """Return an answer in the owner's voice and one in nobody's; either is the longer as often."""
    thing, other = (THINGS[(number * step) % len(THINGS)] for step in (1, 7))
    hers = f"No {thing} today, {VOICE}. Ask me again at {number}."
    theirs = f"Certainly! The {thing} is a wonderful topic, number {number}."
    more = f" There is also the {other}, and the {thing} once more, and then number {number + 1}."
    return (hers + more, theirs) if lot("longer", number) < 0.5 else (hers, theirs + more)


def asked(number: int, split: Split = "train", **changes: Any) -> Prompt:
    text = f"What do you make of the {THINGS[number % len(THINGS)]}, number {number}?"
    values: dict[str, Any] = {"source": "added", "thread": f"thread {number}", **changes}
    return Prompt.new([{"role": "user", "content": text}], split=split, **values)


def drawn(prompt: Prompt, answers: tuple[str, str]) -> tuple[Answer, Answer]:
    """Return what a twin wrote."""
    first, second = (
        Answer(
            prompt_id=prompt.id, text=text, checkpoint="001-sft", checkpoint_hash="of 001-sft",
            settings={"temperature": 1.0}, seed=0, n=n,
        )
        for n, text in enumerate(answers)
    )  # fmt: skip
    return first, second


def pair_of(prompt: Prompt, answers: tuple[str, str]) -> Pair:
    first, second = drawn(prompt, answers)
    return Pair(prompt_id=prompt.id, answer_a=first.id, answer_b=second.id)


def add_pair(conn: sqlite3.Connection, prompt: Prompt, answers: tuple[str, str]) -> str:
    """Add a prompt with two answers of a twin, and return the pair's id."""
    pair = pair_of(prompt, answers)
    add_prompts(conn, [prompt])
    add_answers(conn, drawn(prompt, answers))
    add_pairs(conn, [pair])
    return pair.id


def chose(pair: str, outcome: str) -> NewEvent:
    return NewEvent("choice", "owner", pair, {"outcome": outcome})


def is_asked_about(prompt: Prompt) -> bool:
    """Tell whether a judge is asked about pairs of a prompt that nobody chose of."""
    return side_of(prompt.id, DEFAULTS["dpo"]["held_out"]) == "train"


def build(root: Path, *, waiting: int, choices: int = 60, **settings: Any) -> Built:
    """Make the owner: so many pairs wait for a judge, so many have her choice."""
    folder = root / "data" / OWNER
    folder.mkdir(mode=0o700)
    (folder / "owner.yaml").write_text(yaml.safe_dump(SETTINGS | settings), "utf-8")
    built, events, number = Built(), list[NewEvent](), 0
    with closing(open_store(OWNER, create=True)) as conn, transaction(conn):
        while len(built.waiting) < waiting:
            number += 1
            prompt = asked(number)
            turned = lot("turned", number) < 0.5
            pair = add_pair(conn, prompt, twin_answers(number)[:: -1 if turned else 1])
            if len(built.chosen) < choices:
                built.chosen.append(pair)
                events.append(chose(pair, "b" if turned else "a"))
            elif is_asked_about(prompt):
                built.waiting.append(pair)
        append_events(conn, events)
    return built


def shown(params: dict[str, Any]) -> tuple[str, str]:
    """Return the two answers that a request shows last."""
    (_, first), (_, second) = _ANSWERS.findall(question_of(params))
    return first, second


def ear(share: float = 0.85) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what answers as the owner would in such a share of pairs, the same both ways round."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        answers = shown(params)
        hers = answers.index(max(answers, key=lambda text: VOICE in text))
        drawn = lot("ear", *sorted(answers))
        winner = "AB"[hers if drawn < share else 1 - hers]
        certainty = "high" if lot("sure", *sorted(answers)) < 0.6 else "medium"
        return {"notes_a": "dry", "notes_b": "stiff", "winner": winner, "certainty": certainty}

    return answer


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "align.cli", *JUDGE, *map(str, words)]


def environment(server_url: str, **more: str) -> dict[str, str]:
    """Return the variables that a process of its own runs `align judge` with."""
    return {**os.environ, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server_url, **more}


def judge_apart(server_url: str, *words: object, **more: str) -> "subprocess.Popen[str]":
    """Start `align judge` in a process of its own."""
    return subprocess.Popen(
        command(*words), env=environment(server_url, **more), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def store() -> "closing[sqlite3.Connection]":
    return closing(open_store(OWNER))


def verdicts() -> list[dict[str, Any]]:
    """Return all answers of judges that are on file."""
    with store() as conn:
        return [dict(row) for row in conn.execute("SELECT * FROM verdicts")]


def counting(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers that count: the provider did not fail on them."""
    return [row for row in rows if row["problem"] not in PASSING]


def places(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how often each pair was answered in each order."""
    return Counter((row["pair_id"], row["order"]) for row in rows)


def lines(kind: str) -> list[dict[str, Any]]:
    """Return the egress log's lines of a kind."""
    return [line for line in read(OWNER) if line["kind"] == kind]


def costs(kind: str) -> list[float]:
    """Return what the egress log's lines of a kind cost, as far as it is known."""
    return [line["cost"] for line in lines(kind) if line.get("cost") is not None]


def hashed(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def bills(server: Server, tier: str | None = None) -> list[float]:
    """Return what the stand-in billed for each message, in USD: of one tier, or of all."""
    found, prices = [], {MODEL: price_of(MODEL)}
    for bill in list(server.seen.billed):
        if tier not in (None, bill.tier):
            continue
        usage = Usage.of(bill.usage)
        assert usage is not None
        found.append(prices[bill.model].cost(usage, batch=bill.tier == "batch"))
    return found


def asked_of(server: Server) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield address and parameters of every question that arrived, in batches or not."""
    for received in list(server.received):
        if received.method == "POST" and received.path == "/v1/messages":
            yield received.path, json.loads(received.body)
        elif received.method == "POST" and received.path == "/v1/messages/batches":
            for entry in json.loads(received.body)["requests"]:
                yield received.path, entry["params"]


def questions(server: Server) -> list[str]:
    """Return the last turn of every question that arrived."""
    return [question_of(params) for _, params in asked_of(server)]
