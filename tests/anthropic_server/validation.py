"""Refuse what Anthropic's API would refuse."""

import re
from typing import Any

MODELS = frozenset({
    "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-5", "claude-opus-5",
    "claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-8",
})  # fmt: skip
ASKED = frozenset({
    "max_tokens", "messages", "model", "cache_control", "container", "diagnostics",
    "inference_geo", "metadata", "output_config", "service_tier", "speed", "stop_sequences",
    "stream", "system", "thinking", "tool_choice", "tools",
})  # fmt: skip
COUNTED = frozenset({
    "messages", "model", "cache_control", "output_config", "speed", "system", "thinking",
    "tool_choice", "tools",
})  # fmt: skip
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_BREAKPOINTS = 4
MOST_IN_A_BATCH = 100_000
# What a schema of a reply may not say: ranges and lengths are not enforced.
UNENFORCED = ("minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems")


class Refusal(Exception):
    """An answer with an error, in Anthropic's words.

    Attributes:
        status: HTTP's.
        kind: The error's type.
        message: What is wrong.
    """

    def __init__(self, message: str, kind: str = "invalid_request_error", status: int = 400):
        super().__init__(message)
        self.message, self.kind, self.status = message, kind, status


def _require(fine: object, message: str) -> None:
    if not fine:
        raise Refusal(message)


def check_params(params: Any, *, counting: bool = False) -> None:
    """Refuse what is no request for a message, or for a count of its tokens.

    Raises:
        Refusal: With the status and type that the API would give.
    """
    _require(isinstance(params, dict), "Input should be a valid dictionary")
    for key in params.keys() - (COUNTED if counting else ASKED):
        raise Refusal(f"{key}: Extra inputs are not permitted")
    for key in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        _require(key in params, f"{key}: Field required")
    _require(isinstance(params["model"], str), "model: Input should be a valid string")
    if params["model"] not in MODELS:
        raise Refusal(f"model: {params['model']}", "not_found_error", 404)
    limit = params.get("max_tokens", 0)
    _require(
        isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0,
        "max_tokens: Input should be greater than or equal to 0",
    )
    _require(not params.get("stream"), "stream: the stand-in does not stream")
    marks = _check_system(params.get("system")) + _check_messages(params["messages"])
    _require(marks <= MOST_BREAKPOINTS, "A maximum of 4 blocks with cache_control may be provided")
    _check_output(params.get("output_config"))
    _check_choices(params)


def _check_system(system: Any) -> int:
    if system is None or isinstance(system, str):
        return 0
    _require(isinstance(system, list), "system: Input should be a valid list")
    return sum(_check_block(block, f"system.{at}") for at, block in enumerate(system))


def _check_messages(messages: Any) -> int:
    _require(isinstance(messages, list), "messages: Input should be a valid list")
    _require(messages, "messages: at least one message is required")
    marks = 0
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        _require(isinstance(message, dict), f"{where}: Input should be a valid dictionary")
        _require(set(message) == {"role", "content"}, f"{where}: role and content are required")
        role, content = message["role"], message["content"]
        _require(role in ("user", "assistant", "system"), f"{where}.role: Input should be 'user'")
        if isinstance(content, str):
            _require(content.strip(), f"{where}: text content blocks must be non-empty")
            continue
        _require(isinstance(content, list) and content, f"{where}.content: Field required")
        marks += sum(_check_block(b, f"{where}.content.{i}") for i, b in enumerate(content))
    _require(messages[0]["role"] == "user", "messages: first message must use the 'user' role")
    _require(
        messages[-1]["role"] != "assistant",
        "This model does not support assistant message prefill.",
    )
    return marks


def _check_block(block: Any, where: str) -> int:
    """Check a text block and return how many points of the cache it sets."""
    _require(isinstance(block, dict), f"{where}: Input should be a valid dictionary")
    _require(block.get("type") == "text", f"{where}.type: the stand-in reads text only")
    for key in block.keys() - {"type", "text", "cache_control", "citations"}:
        raise Refusal(f"{where}.text.{key}: Extra inputs are not permitted")
    text = block.get("text")
    _require(isinstance(text, str), f"{where}.text: Field required")
    _require(str(text).strip(), f"{where}: text content blocks must be non-empty")
    control = block.get("cache_control")
    if control is None:
        return 0
    _require(
        isinstance(control, dict)
        and control.get("type") == "ephemeral"
        and control.get("ttl", "5m") in ("5m", "1h")
        and control.keys() <= {"type", "ttl"},
        f"{where}.cache_control: Input should be {{type: ephemeral, ttl: 5m or 1h}}",
    )
    return 1


def _check_output(config: Any) -> None:
    if config is None:
        return
    _require(isinstance(config, dict), "output_config: Input should be a valid dictionary")
    for key in config.keys() - {"effort", "format"}:
        raise Refusal(f"output_config.{key}: Extra inputs are not permitted")
    efforts = (None, "low", "medium", "high", "xhigh", "max")
    _require(config.get("effort") in efforts, "output_config.effort: Input should be 'low'")
    form = config.get("format")
    if form is None:
        return
    where = "output_config.format"
    _require(
        isinstance(form, dict) and set(form) == {"type", "schema"}, f"{where}.schema: required"
    )
    _require(form["type"] == "json_schema", f"{where}.type: Input should be 'json_schema'")
    check_schema(form["schema"], f"{where}.schema")


def check_schema(schema: Any, where: str) -> None:
    """Refuse a schema that the API's grammar does not know."""
    _require(isinstance(schema, dict), f"{where}: Input should be a valid dictionary")
    for word in UNENFORCED:
        _require(word not in schema, f"{where}: For this type, property '{word}' is not supported")
    if schema.get("type") == "object" or "properties" in schema:
        _require(
            schema.get("additionalProperties") is False,
            f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false",
        )
        properties = schema.get("properties", {})
        _require(isinstance(properties, dict), f"{where}.properties: should be a dictionary")
        for name, inner in properties.items():
            check_schema(inner, f"{where}.properties.{name}")
        missing = set(schema.get("required", ())) - set(properties)
        _require(not missing, f"{where}.required: {sorted(missing)} are no properties")
        return
    if "items" in schema:
        check_schema(schema["items"], f"{where}.items")
    kinds = {"type", "enum", "const", "anyOf", "allOf", "$ref"}
    _require(kinds & schema.keys(), f"{where}: says no type")
    if "enum" in schema:
        plain = isinstance(schema["enum"], list) and schema["enum"]
        _require(plain, f"{where}.enum: Input should be a list of values")


def _check_choices(params: dict[str, Any]) -> None:
    choice = params.get("tool_choice") or {}
    _require(
        choice.get("type", "auto") in ("auto", "none"),
        "tool_choice: forced tool use is not supported on this model",
    )
    thinking = params.get("thinking") or {"type": "adaptive"}
    kinds = ("adaptive", "disabled", "enabled", "between_tools")
    _require(thinking.get("type") in kinds, "thinking.type: Input should be 'adaptive'")


def check_batch(body: Any) -> list[dict[str, Any]]:
    """Return the entries of a batch; what each of them asks is looked at when its turn comes.

    Raises:
        Refusal: The list, or an id in it, is not as it must be.
    """
    _require(isinstance(body, dict), "Input should be a valid dictionary")
    for key in body.keys() - {"requests"}:
        raise Refusal(f"{key}: Extra inputs are not permitted")
    entries = body.get("requests")
    _require(isinstance(entries, list) and entries, "requests: at least one request is required")
    assert isinstance(entries, list)
    _require(len(entries) <= MOST_IN_A_BATCH, "requests: at most 100000 requests are permitted")
    seen = set()
    for at, entry in enumerate(entries):
        where = f"requests.{at}"
        _require(
            isinstance(entry, dict) and set(entry) == {"custom_id", "params"},
            f"{where}: custom_id and params are required",
        )
        name = entry["custom_id"]
        _require(
            isinstance(name, str) and CUSTOM_ID.fullmatch(name),
            f"{where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'",
        )
        _require(name not in seen, f"{where}.custom_id: custom_id must be unique, {name} is not")
        seen.add(name)
    return entries
