"""Requests: a long part that many share, which is cached, and a question."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from align.files import write_atomically
from align.paths import owner_dir, relative_to_root
from align.store.ids import canonical_json, storable


@dataclass(frozen=True, slots=True)
class Request:
    """One request, sent by itself or in a batch."""

    id: str  # from all that decides the answer, 32 hex digits: the same request is never paid twice
    params: Mapping[str, Any]  # the body of a message request
    about: tuple[str, ...] = ()  # ids of the pairs that it shows, for the egress log
    # the sender's own words on what it is for. They come back with the reply, in a later run too;
    # without any text of the owner's.
    note: str = ""

    @property
    def model(self) -> str:
        """Return the model."""
        return str(self.params["model"])

    @property
    def max_tokens(self) -> int:
        """Return how long an answer may be."""
        return int(self.params["max_tokens"])

    @property
    def shared(self) -> str:
        """Return the part that many requests share."""
        return str(self.params["system"][0]["text"])

    @property
    def is_cached(self) -> bool:
        """Tell whether the shared part is to be cached."""
        return "cache_control" in self.params["system"][0]

    def body(self, *, times: int = 1) -> dict[str, Any]:
        """Return what is sent; an answer may have `times` times `max_tokens`."""
        return {**self.params, "max_tokens": self.max_tokens * times}


def ask(
    model: str,
    shared: str,
    question: str,
    schema: Mapping[str, Any],
    *,
    max_tokens: int,
    about: Sequence[str] = (),
    cached: bool = True,
    note: str = "",
) -> Request:
    """Return a request whose answer is JSON, after `schema`.

    `shared` comes first, is the same in many requests, and may be `cached`, for 5 minutes. `about`
    are the ids of the pairs that the question shows, and `note` says what it is for, in the
    sender's own words.
    """
    system: dict[str, Any] = {"type": "text", "text": _shared(shared)}
    params = {
        "model": model,
        "max_tokens": max_tokens,
        "system": [system],
        "messages": [{"role": "user", "content": storable(question)}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    # Its id is made before `cache_control` is added: the cache decides no answer.
    id = request_id(params)
    if cached:
        system["cache_control"] = {"type": "ephemeral", "ttl": "5m"}
    return Request(id, params, tuple(about), note)


@lru_cache(maxsize=64)
def _shared(text: str) -> str:
    """Return the text, the same object for equal ones: thousands of requests hold it at once."""
    return storable(text)


def request_id(params: Mapping[str, Any]) -> str:
    """Return the id of a request whose `params` say nothing of the cache."""
    # Of the long part that many share a hash stands for its words: it is made once.
    system = [{**each, "text": _digest(each["text"])} for each in params["system"]]
    # The 0 keeps the ids of what is on file.
    text = canonical_json([{**params, "system": system}, 0])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=64)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_dry_run(owner_id: str, purpose: str, requests: Iterable[Request]) -> str:
    """Write what would be sent as a text to read; return what is said of it.

    What many requests share stands there once.
    """
    path = owner_dir(owner_id) / f"{purpose}-dry-run.txt"
    shared: dict[str, int] = {}
    parts = []
    for request in requests:
        form = {**request.params, "system": "...", "messages": "..."}
        begins = f"{canonical_json(form)}\n\n{request.shared}"
        if begins not in shared:
            shared[begins] = len(shared) + 1
            parts.append(f"==== Beginning {shared[begins]}\n{begins}")
        about = f", about {' and '.join(request.about)}" if request.about else ""
        question = "\n".join(str(turn["content"]) for turn in request.params["messages"])
        parts.append(f"==== Beginning {shared[begins]}, and then{about}\n{question}")
    # Nobody but the owner reads it.
    write_atomically(path, "\n\n".join(parts) + "\n", mode=0o600)
    count = len(parts) - len(shared)
    return f"Nothing was sent. What would be: {relative_to_root(path)}, {count:,} requests."


def size_of(params: Mapping[str, Any]) -> int:
    """Return the bytes that a body takes when it is sent."""
    return len(json.dumps(params, ensure_ascii=False, separators=(",", ":")).encode())


def id_only(id: str, note: str = "") -> Request:
    """Return a request of which nothing else is known any more: an earlier run sent it."""
    return Request(id, {}, note=note)
