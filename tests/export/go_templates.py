"""An evaluator for the part of Go's text/template that a Modelfile of ours is written in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r'"[^"]*"|[()]|[^\s()]+')


def evaluate(template: str, data: Mapping[str, Any]) -> str:
    """Return what the template writes of `data`."""
    parts = _ACTION.split(template)
    tokens = [(bool(at % 2), text.strip() if at % 2 else text) for at, text in enumerate(parts)]
    nodes, rest = _block(tokens)
    assert not rest, f"unbalanced: {rest[:1]}"
    return _write(nodes, {"": data})


def _block(tokens: Sequence[tuple[bool, str]]) -> tuple[list[Any], Sequence[tuple[bool, str]]]:
    nodes: list[Any] = []
    while tokens:
        is_action, text = tokens[0]
        if is_action and (text == "end" or text.startswith("else")):
            return nodes, tokens
        tokens = tokens[1:]
        if not is_action:
            nodes.append(text)
        elif text.startswith("range "):
            body, tokens = _block(tokens)
            assert tokens[0][1] == "end"
            nodes.append(("range", text, body))
            tokens = tokens[1:]
        elif text.startswith("if "):
            node, tokens = _if(text[3:], tokens)
            nodes.append(node)
        else:
            nodes.append(("say", text))
    return nodes, tokens


def _if(condition: str, tokens: Sequence[tuple[bool, str]]) -> tuple[Any, Any]:
    body, tokens = _block(tokens)
    word, tokens = tokens[0][1], tokens[1:]
    if word == "end":
        return ("if", condition, body, []), tokens
    if word.startswith("else if "):
        other, tokens = _if(word[len("else if ") :], tokens)
        return ("if", condition, body, [other]), tokens
    otherwise, tokens = _block(tokens)
    assert tokens[0][1] == "end"
    return ("if", condition, body, otherwise), tokens[1:]


def _write(nodes: Sequence[Any], names: dict[str, Any]) -> str:
    text = ""
    for node in nodes:
        if isinstance(node, str):
            text += node
        elif node[0] == "say":
            text += str(_value(node[1], names))
        elif node[0] == "if":
            text += _write(node[2] if _value(node[1], names) else node[3], names)
        else:
            found = re.fullmatch(r"range (\$\w+), (\$\w+) := (.+)", node[1])
            assert found, node[1]
            for at, one in enumerate(_value(found[3], names)):
                text += _write(node[2], {**names, found[1]: at, found[2]: one})
    return text


def _value(expression: str, names: Mapping[str, Any]) -> Any:
    return _call(iter(_TOKEN.findall(expression.replace(").", ") @"))), names)


def _call(tokens: Iterator[str], names: Mapping[str, Any]) -> Any:
    """Evaluate words up to the closing bracket or the end: a function's name first, or a value."""
    said: list[Any] = []
    for token in tokens:
        if token == ")":
            break
        if token == "(":
            said.append(_call(tokens, names))
        elif token.startswith("@"):
            # `(index .Messages 0).Role`: a field of what the brackets gave.
            said[-1] = said[-1][token[1:]]
        else:
            said.append(_word(token, names))
    if callable(said[0]):
        return said[0](*said[1:])
    assert len(said) == 1, said
    return said[0]


def _word(token: str, names: Mapping[str, Any]) -> Any:
    if token.startswith('"'):
        return token[1:-1]
    if token.isdigit():
        return int(token)
    if token in _FUNCTIONS:
        return _FUNCTIONS[token]
    name, _, path = token.partition(".")
    value = names["" if name == "$" else name]
    for part in path.split("."):
        value = value[part] if part else value
    return value


_FUNCTIONS: dict[str, Any] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: b if a else a,
    "len": len,
    "slice": lambda rows, start: rows[start:],
    "index": lambda rows, at: rows[at],
}
