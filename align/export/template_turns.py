"""What a chat template writes around messages, found by rendering marked ones and cutting."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from align.errors import UserError
from align.models.chat_template import TEMPLATE_SETTINGS, Message, dateless

_SYSTEM, _FIRST, _ANSWER, _SECOND = "xsystemx", "xfirstx", "xanswerx", "xsecondx"
_REMEDY = "Serve the folder with something that reads chat_template.jinja itself"


@dataclass(frozen=True)
class TemplateTurns:
    """The text around the messages of a conversation that ends with a user's."""

    start: str  # before everything: the BOS token, or nothing
    no_system: str  # after the start where no system message comes first
    # Before and after a system message; None where the template knows none.
    system: tuple[str, str] | None
    user: tuple[str, str]  # before and after a user's message
    answer: tuple[str, str]  # before and after an answer
    generation: str  # at the end: what the model goes on from
    # Whether the system message stands inside the last user's message.
    system_with_last: bool = False

    def write(self, messages: Sequence[Message]) -> str:
        """Return the conversation's text, up to where the model speaks."""
        around = {"user": self.user, "assistant": self.answer, "system": self.system or ("", "")}
        system = next((m["content"] for m in messages if m["role"] == "system"), "")
        text = self.start + ("" if messages[0]["role"] == "system" else self.no_system)
        for at, message in enumerate(messages):
            if message["role"] == "system" and self.system_with_last:
                continue
            before, after = around[message["role"]]
            inside = message["content"]
            if self.system_with_last and self.system and system and at == len(messages) - 1:
                inside = self.system[0] + system + self.system[1] + inside
            text += before + inside + after
        return text + self.generation


def turns_of(tokenizer: Any) -> TemplateTurns:
    """Return what a chat template writes around messages; UserError where that is not fixed."""
    if "strftime_now(" in dateless(tokenizer.chat_template):
        raise UserError("chat template", "it writes today's date, which fixed text can't", _REMEDY)
    plain = _rendered(tokenizer, _messages(_FIRST, _ANSWER, _SECOND))
    if plain is None:
        raise UserError("chat template", "it refuses an ordinary conversation", _REMEDY)
    head, to_answer, to_user, end = _cut(plain, _FIRST, _ANSWER, _SECOND)
    bos = tokenizer.bos_token
    start = bos if bos and head.startswith(bos) else ""
    before_user, no_system, system, with_last = _with_system(
        tokenizer, start, head[len(start) :], to_user
    )
    after_user = _common(to_answer, end)
    turns = TemplateTurns(
        start=start,
        no_system=no_system,
        system=system,
        user=(before_user, after_user),
        answer=(to_answer[len(after_user) :], to_user.removesuffix(before_user)),
        generation=end[len(after_user) :],
        system_with_last=with_last,
    )
    _check(tokenizer, turns)
    return turns


def _with_system(
    tokenizer: Any, start: str, head: str, to_user: str
) -> tuple[str, str, tuple[str, str] | None, bool]:
    """Return what stands before a user's message, what without a system message, and around one."""
    whole = _rendered(tokenizer, _messages(_FIRST, _ANSWER, _SECOND, system=_SYSTEM))
    if whole is None or _SYSTEM not in whole:
        before_user = _common(head, to_user, at_end=True)
        return before_user, head.removesuffix(before_user), None, False
    if whole.index(_SYSTEM) > whole.index(_ANSWER):
        _, _, to_system, joint, _ = _cut(whole, _FIRST, _ANSWER, _SYSTEM, _SECOND)
        before_user = _common(head, to_user, at_end=True)
        around = (to_system.removeprefix(to_user), joint)
        return before_user, head.removesuffix(before_user), around, True
    opening, joint, *_ = _cut(whole, _SYSTEM, _FIRST, _ANSWER, _SECOND)
    before_user = _common(_common(head, to_user, at_end=True), joint, at_end=True)
    around = (opening.removeprefix(start), joint.removesuffix(before_user))
    return before_user, head.removesuffix(before_user), around, False


def _check(tokenizer: Any, turns: TemplateTurns) -> None:
    """Compare with the template's own text, with and without a system message."""
    texts = ["Hello, you.", "Well?\n\nSay on.", "So: yes", "And then?", "Then “no”.", "Why not?"]
    for count in (1, 3, 5):
        for system in (None, "Be brief.\nBe kind."):
            if system and turns.system is None:
                continue
            messages = _messages(*texts[:count], system=system)
            if _rendered(tokenizer, messages) != turns.write(messages):
                raise UserError(
                    "chat template", "it can't be said as fixed text around each message", _REMEDY
                )


def _messages(*texts: str, system: str | None = None) -> list[Message]:
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
    return [{"role": "system", "content": system}, *messages] if system else messages


def _rendered(tokenizer: Any, messages: list[Message]) -> str | None:
    """Return the template's own text, or None where it refuses the conversation."""
    from jinja2.exceptions import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            chat_template=dateless(tokenizer.chat_template),
            tokenize=False,
            add_generation_prompt=True,
            **TEMPLATE_SETTINGS,
        )
    except TemplateError:
        return None
    return text


def _cut(text: str, *marks: str) -> list[str]:
    parts = []
    for mark in marks:
        before, separator, text = text.partition(mark)
        if not separator:
            raise UserError("chat template", "it leaves messages out", _REMEDY)
        parts.append(before)
    return [*parts, text]


def _common(first: str, second: str, *, at_end: bool = False) -> str:
    """Return the longest common beginning of two texts, or their longest common end."""
    pairs = (
        zip(reversed(first), reversed(second), strict=False)
        if at_end
        else zip(first, second, strict=False)
    )
    length = sum(1 for _ in takewhile(lambda two: two[0] == two[1], pairs))
    if at_end:
        return first[len(first) - length :]
    return first[:length]
