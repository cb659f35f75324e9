"""Write the messages that a model would, and count what they cost."""

import hashlib
import itertools
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.anthropic_server import tokens
from tests.anthropic_server.faults import Fault

Tier = Literal["standard", "batch"]
AnswerTo = Callable[[dict[str, Any]], dict[str, Any] | str]
LIFETIMES = {"5m": 300.0, "1h": 3600.0}
THOUGHT = "Let me compare both answers with the owner's own."
# A prefix is looked for at so many blocks before the point that was set.
LOOK_BACK = 20
END_TOKENS = 2


def question_of(params: dict[str, Any]) -> str:
    """Return the text of the last turn."""
    content = params["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content)


def default_answer(params: dict[str, Any]) -> dict[str, Any] | str:
    """Return what fits the schema, the same for the same question; without one, a sentence."""
    form = (params.get("output_config") or {}).get("format")
    if form is None:
        return "This is the stand-in speaking."
    seed = hashlib.sha256(question_of(params).encode()).hexdigest()
    value = _instance(form["schema"], random.Random(seed))
    return value if isinstance(value, dict) else json.dumps(value)


def _instance(schema: dict[str, Any], drawn: random.Random) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return drawn.choice(schema["enum"])
    if schema.get("type") == "object":
        return {name: _instance(inner, drawn) for name, inner in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_instance(schema["items"], drawn)] * schema.get("minItems", 1)
    words = ["short", "dry", "plain", "warm", "wordy", "stiff", "odd", "close"]
    plain: dict[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "null": None}
    return plain.get(schema.get("type", ""), " ".join(drawn.choices(words, k=12)))


@dataclass(slots=True)
class Part:
    """A block of a request, in the order in which the model reads them."""

    text: str
    tokens: int
    lifetime: str | None


def _part(text: str, more: int, lifetime: str | None = None) -> Part:
    return Part(text, tokens.count(text) + more, lifetime)


def input_tokens(params: dict[str, Any]) -> int:
    """Return all tokens of a request."""
    return tokens.overhead(params) + sum(part.tokens for part in parts_of(params))


def parts_of(params: dict[str, Any]) -> list[Part]:
    """Return tools, system blocks and turns, each with how long it is to be cached."""
    parts = []
    if params.get("tools"):
        parts.append(_part(json.dumps(params["tools"]), tokens.TOOL_TOKENS))
    contents: list[Any] = [params.get("system") or []]
    contents += [message["content"] for message in params["messages"]]
    for at, content in enumerate(contents):
        blocks = [{"text": content}] if isinstance(content, str) else content
        for number, block in enumerate(blocks):
            control = block.get("cache_control")
            opening = tokens.TURN_TOKENS if at and not number else 0
            parts.append(_part(block["text"], opening, control and control.get("ttl", "5m")))
    if params.get("cache_control"):
        parts[-1].lifetime = params["cache_control"].get("ttl", "5m")
    return parts


@dataclass
class Cache:
    """Which prefixes a provider has at hand, and until when."""

    # the tokens below which a prefix is silently not kept, by model or for all
    minimum: int | dict[str, int] = 1024
    # the end of each prefix's life, by model and content
    held: dict[bytes, float] = field(default_factory=dict)

    def bill(self, params: dict[str, Any], *, remember: bool = True) -> dict[str, Any]:
        """Return the usage of a request's input; what it writes is there for the next one."""
        model, now = params["model"], time.monotonic()
        least = self.minimum if isinstance(self.minimum, int) else self.minimum.get(model, 1024)
        digest, total = hashlib.sha256(model.encode()), tokens.overhead(params)
        ends: list[tuple[int, bytes, str | None]] = []
        for part in parts_of(params):
            digest.update(part.text.encode() + b"\0")
            total += part.tokens
            ends.append((total, digest.digest(), part.lifetime))
        set_at = [at for at, end in enumerate(ends) if end[2] and end[0] >= least]
        if not set_at:
            return _usage(total, 0, {})
        last = set_at[-1]
        read = 0
        for size, name, _ in reversed(ends[max(0, last - LOOK_BACK) : last + 1]):
            if self.held.get(name, 0.0) > now:
                read = size
                break
        written: dict[str, int] = {}
        before = read
        for at in set_at:
            size, name, lifetime = ends[at]
            assert lifetime is not None
            if size > before:
                written[lifetime] = written.get(lifetime, 0) + size - before
                before = size
            if remember:
                self.held[name] = now + LIFETIMES[lifetime]
        return _usage(total - before, read, written)


def _usage(new: int, read: int, written: dict[str, int]) -> dict[str, Any]:
    return {
        "input_tokens": new,
        "cache_creation_input_tokens": sum(written.values()),
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written.get("5m", 0),
            "ephemeral_1h_input_tokens": written.get("1h", 0),
        },
    }


class Writer:
    """Writes messages.

    Attributes:
        answer: What the model says: a dictionary becomes JSON, a text stays as it is.
        cache: The prefixes at hand.
    """

    def __init__(self, answer: AnswerTo | None, cache: Cache) -> None:
        self.answer = answer or default_answer
        self.cache = cache
        self._numbers = itertools.count(1)

    def text_for(self, params: dict[str, Any]) -> str:
        """Return what the model says."""
        said = self.answer(params)
        return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)

    def write(
        self, params: dict[str, Any], fault: Fault | None, usage: dict[str, Any], tier: Tier
    ) -> dict[str, Any]:
        """Return the message, with what its input came to already counted."""
        text = fault.text if fault and fault.does == "say" else self.text_for(params)
        content, reason = _content(text, fault, params["max_tokens"])
        details = None
        if reason == "refusal":
            details = {"type": "refusal", "category": "general_harms", "explanation": None}
        written = END_TOKENS + sum(tokens.count(_written_in(block)) for block in content)
        if reason == "max_tokens":
            written = params["max_tokens"]
        return {
            "id": f"msg_01{next(self._numbers):022d}",
            "type": "message",
            "role": "assistant",
            "model": params["model"],
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "stop_details": details,
            "usage": {**usage, "output_tokens": written, "service_tier": tier},
        }


def _written_in(block: dict[str, Any]) -> str:
    return str(block.get("text") or block.get("thinking") or json.dumps(block.get("input", "")))


def _content(text: str, fault: Fault | None, limit: int) -> tuple[list[dict[str, Any]], str]:
    does = fault.does if fault else None
    thinking = {"type": "thinking", "thinking": THOUGHT, "signature": "c3RhbmQtaW4="}
    if does == "empty":
        return [], "end_turn"
    if does == "no text":
        return [thinking], "end_turn"
    if does == "use tool":
        use = {"type": "tool_use", "id": "toolu_01A", "name": "judge", "input": {"winner": "A"}}
        return [use], "tool_use"
    if does == "refuse":
        assert fault is not None
        return ([{"type": "text", "text": text}] if fault.text else []), "refusal"
    reason = "end_turn"
    if does in ("truncate", "overflow"):
        text = text[: len(text) // 2]
        reason = "max_tokens" if does == "truncate" else "model_context_window_exceeded"
    elif tokens.count(text) + END_TOKENS > limit:
        text, reason = tokens.first(text, limit), "max_tokens"
    block = {"type": "text", "text": text}
    return ([thinking, block] if does == "think" else [block]), reason


def error_body(kind: str, message: str, request_id: str | None = None) -> dict[str, Any]:
    """Return an error in Anthropic's form."""
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": request_id}
