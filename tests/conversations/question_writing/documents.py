"""An owner's documents, and a Claude that asks about what they speak of."""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from align.privacy.egress_log import read
from align.store.adding import add_records
from align.store.connection import open_store
from tests.anthropic_server import Server, question_of
from tests.store.rows import record

MODEL = "claude-haiku-5-5"
CHESS = (
    "I would play chess on any evening. A lost game of chess teaches something, and one careless "
    "move undoes an hour of thought, which is why I keep coming back to it."
)
GARDEN = (
    "My grandfather taught me gardening. The garden asks for an hour a day and gives back beans, "
    "and weeding clears my head better than anything else I know."
)
PRIVATE = (
    "Nobody at the harbour office may ever learn that the lighthouse key was lost by me, on the "
    "night when the ferry came in late and the whole town slept."
)


def document(text: str, name: str, **changes: Any) -> Any:
    return record(text, kind="document", title=name, origin=name, thread=name, **changes)


def posts(count: int) -> list[Any]:
    """Return posts of one passage each, no two alike."""
    kinds = ("chess", "garden", "bread", "violin", "harbour", "kettle", "novel", "winter")
    found = []
    for number in range(count):
        topic, other = kinds[number % 8], kinds[(number // 8 + number + 1) % 8]
        text = (
            f"Entry {number} is about {topic}. I have had {topic} on my mind for {number + 2} days "
            f"and would not swap {topic} for {other}, because {topic} asks little and gives a lot "
            f"back to anybody who waits."
        )
        found.append(document(text, f"Post {number} on {topic}"))
    return found


def filled(owner: str, records: Iterable[Any]) -> sqlite3.Connection:
    conn = open_store(owner, create=True)
    add_records(conn, list(records))
    return conn


def asks_about_it(params: dict[str, Any]) -> str:
    """Answer with a question that the passage speaks of, and one that it does not."""
    shown = question_of(params)
    topic = next(word for word in ("chess", "garden", "lighthouse") if word in shown)
    questions = [f"What do you think about {topic}?", "How do you like helicopters in Norway?"]
    return json.dumps({"questions": questions})


def asks_about_the_post(params: dict[str, Any]) -> str:
    found = re.search(r"is about (\w+)", question_of(params))
    assert found
    return json.dumps({"questions": [f"What do you think about {found[1]}?"]})


def passages_sent(server: Server) -> list[str]:
    return [question_of(json.loads(body)) for body in server.bodies()]


def attempts(owner: str) -> Iterator[dict[str, Any]]:
    return (line for line in read(owner) if line["kind"] == "attempt")
