"""The one chat renderer: what a twin is trained on, sampled from and served with is the same text.

A conversation is a list of `{"role", "content"}`; the owner speaks as `assistant`, and an answer
with `"train": False` is context that nothing is learned from. Several messages of one turn stand
apart by a blank line. The tokenizer's own chat template writes the conversation, which is tokenised
piece by piece, cut where the model starts and stops speaking, because that is how
sampling meets it: a prompt's tokens never depend on the answer.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from align.errors import UserError

Message = dict[str, Any]

# A twin answers at once, as its owner does; templates that know no thinking ignore the key.
TEMPLATE_SETTINGS = {"enable_thinking": False}
# The day that Llama 3.1 and 3.3 write for every day.
_TODAY = date(2024, 7, 26)
_NOW = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1\s*\)""")
_PROBE = "soundalike"
_PROBE_CHAT = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]


@dataclass(frozen=True)
class Rendered:
    """A conversation's tokens; `completion_mask` is 1 on what is learned: answers and their stops.

    Both have length T; the last token is the last answer's stop token.
    """

    input_ids: list[int]
    completion_mask: list[int]

    @property
    def labels(self) -> list[int]:
        """Return the tokens with -100 where no loss is taken, length T."""
        pairs = zip(self.input_ids, self.completion_mask, strict=True)
        return [token if kept else -100 for token, kept in pairs]

    @property
    def learned(self) -> int:
        """Return how many answers are learned; a prompt's tokens stand before each."""
        return sum(now > before for before, now in pairwise([0, *self.completion_mask]))


@dataclass(frozen=True)
class _Piece:
    """A stretch of text tokenised on its own; an answer is followed by the stop token."""

    text: str
    is_answer: bool
    is_trained: bool = False


def is_trained(message: Message) -> bool:
    """Tell whether a message is an answer that is learned, and not only context."""
    return message["role"] == "assistant" and bool(message.get("train", True))


def render(tokenizer: Any, messages: Sequence[Message]) -> Rendered:
    """Return the conversation's tokens, and which of them are learned.

    Where a template rewrites earlier turns once a new one follows (some strip their thinking), only
    the last answer is the owner's: the earlier ones are not what a twin would have said there.
    UserError: the last message isn't the owner's, or the tokenizer has no usable template.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise UserError("conversation", "it does not end with the owner's answer")
    ids: list[int] = []
    mask: list[int] = []
    for piece in _pieces(tokenizer, messages):
        tokens = _tokens_of(tokenizer, piece)
        ids += tokens
        mask += [int(piece.is_trained)] * len(tokens)
    return Rendered(ids, mask)


def render_prompt(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Return the tokens after which the twin speaks: the conversation and the generation prompt.

    They are the tokens that `render` puts before the same conversation's next answer.
    """
    pieces = _pieces(tokenizer, messages)
    return [token for piece in pieces for token in _tokens_of(tokenizer, piece)]


def render_answer(tokenizer: Any, answer: str) -> list[int]:
    """Return an answer's tokens and the stop token, as they follow a prompt."""
    plain = _plain({"role": "assistant", "content": answer}, _special_text(tokenizer))
    before, stop = _around(tokenizer)
    return [*_encode(tokenizer, before + plain["content"]), stop]


def without_oldest(messages: Sequence[Message]) -> list[Message] | None:
    """Return a prompt without its oldest exchange; None where only the last question is left."""
    system = [message for message in messages[:1] if message["role"] == "system"]
    turns = messages[len(system) :]
    starts = [at for at, message in enumerate(turns) if message["role"] == "user" and at]
    return [*system, *turns[starts[0] :]] if starts else None


def prompt_within(tokenizer: Any, messages: Sequence[Message], room: int | None) -> list[int]:
    """Return a prompt's tokens, without the oldest exchanges that `room` tokens can't hold."""
    return render_prompt(tokenizer, messages_within(tokenizer, messages, room))


def messages_within(
    tokenizer: Any, messages: Sequence[Message], room: int | None
) -> Sequence[Message]:
    """Return a prompt's messages but for the oldest exchanges that go beyond `room` tokens."""
    rest: Sequence[Message] | None = messages
    while room is not None and rest and len(render_prompt(tokenizer, rest)) > room:
        rest = without_oldest(messages := rest)
    return rest or messages  # the last question always stays


def stop_token(tokenizer: Any) -> int:
    """Return the id of the token that ends an answer in this tokenizer's template."""
    return _around(tokenizer)[1]


def template_hash(tokenizer: Any) -> str:
    """Return the SHA-256 of all that decides how text becomes tokens around the words."""
    parts = {
        "template": template_of(tokenizer),
        "settings": TEMPLATE_SETTINGS,
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "probe": render(tokenizer, _PROBE_CHAT).input_ids,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def dateless(template: str) -> str:
    """Return a template that writes the same date every day, where it would write today's.

    SmolLM3's and Llama 3.2's do: a twin would be trained on one text and asked with another.
    """
    return _NOW.sub(lambda match: repr(_TODAY.strftime(match[2])), template)


def name_the_owner(tokenizer: Any, name: str) -> None:
    """Let a template that introduces the model by itself introduce the owner instead.

    SmolLM2's and Qwen2.5's write "You are …, trained by …" before every conversation that brings
    no system message: a twin would be told in each that it is the maker's assistant. A template
    without such a line stays as it is.
    """
    line = _default_system(tokenizer)
    if not line:
        return
    plain, own = template_of(tokenizer), f"You are {' '.join(name.split())}."
    escaped = own.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    # The line may stand in a string of the template's, or between its tags.
    for written in (escaped, own):
        tokenizer.chat_template = plain.replace(line, written)
        try:
            if _default_system(tokenizer) == own:
                return
        except UserError:
            continue
    tokenizer.chat_template = plain


def _default_system(tokenizer: Any) -> str:
    """Return what the template says in a system turn that nobody brought; mostly nothing."""
    question = {"role": "user", "content": "?"}
    bare = _text(tokenizer, [question], add_generation_prompt=False)
    try:
        probe = [{"role": "system", "content": _PROBE}, question]
        before, _, after = _text(tokenizer, probe, add_generation_prompt=False).partition(_PROBE)
    except UserError:  # Gemma's knows no such turn
        return ""
    if not (bare.startswith(before) and bare.endswith(after)):
        return ""
    return bare[len(before) : len(bare) - len(after)]


def _pieces(tokenizer: Any, messages: Sequence[Message]) -> list[_Piece]:
    """Cut the conversation into prompts and answers; a prompt holds all since the last stop.

    With the owner speaking last the pieces end with their answer, else with the generation prompt.
    """
    special = _special_text(tokenizer)
    trained = [is_trained(message) for message in messages]
    messages = [_plain(message, special) for message in messages]
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    if not answers or answers[-1] != len(messages) - 1:
        answers.append(len(messages))
    before_answer, stop = _around(tokenizer)
    stop_text = tokenizer.decode([stop])
    pieces: list[_Piece] = []
    before = ""
    for at in answers:
        prompt = _text(tokenizer, messages[:at], add_generation_prompt=True)
        if not prompt.startswith(before):
            pieces, before = [], ""
        pieces.append(_Piece(prompt[len(before) :], is_answer=False))
        if at < len(messages):
            answer = before_answer + messages[at]["content"]
            pieces.append(_Piece(answer, is_answer=True, is_trained=trained[at]))
            before = prompt + answer + stop_text
    return pieces


def _tokens_of(tokenizer: Any, piece: _Piece) -> list[int]:
    stop = [stop_token(tokenizer)] if piece.is_answer else []
    return _encode(tokenizer, piece.text) + stop


def _plain(message: Message, special: re.Pattern[str] | None) -> Message:
    # White space at an answer's edge would merge with the template's own and shift the tokens;
    # somebody's text that spells a control token must not become one.
    content = message["content"].strip()
    if special is not None:
        content = special.sub(lambda match: f"{match[0][0]} {match[0][1:]}", content)
    return {"role": message["role"], "content": content}


def _special_text(tokenizer: Any) -> re.Pattern[str] | None:
    """Return what finds a special token in a text; remembered on the tokenizer."""
    if not hasattr(tokenizer, "_align_special"):
        tokens = {str(t) for t in tokenizer.added_tokens_decoder.values() if t.special}
        tokens |= set(tokenizer.all_special_tokens)
        spelled = "|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True))
        tokenizer._align_special = re.compile(spelled) if spelled else None
    return tokenizer._align_special


def _around(tokenizer: Any) -> tuple[str, int]:
    """Return what stands before an answer, past the generation prompt, and the stop; remembered."""
    known = getattr(tokenizer, "_align_around", None)
    template = template_of(tokenizer)
    if known is None or known[0] != template:
        known = (template, *_find_around(tokenizer))
        tokenizer._align_around = known
    return known[1], known[2]


def _find_around(tokenizer: Any) -> tuple[str, int]:
    whole = _text(tokenizer, _PROBE_CHAT, add_generation_prompt=False)
    prompt = _text(tokenizer, _PROBE_CHAT[:1], add_generation_prompt=True)
    head, _, tail = whole.rpartition(_PROBE)
    # Mistral's write a space there: without it no earlier turn would look as it did when sampled.
    before = head.removeprefix(prompt) if head.startswith(prompt) else ""
    tokens = _encode(tokenizer, tail)
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    if not tokens or tokens[0] not in special:
        raise UserError(
            f"chat template of {tokenizer.name_or_path}",
            f"no stop token follows an answer (found {tail!r})",
            "Use a model whose template closes each answer with a special token, or say "
            "chat_template: plain in the sft recipe",
        )
    return before if before.isspace() else "", tokens[0]


def _text(tokenizer: Any, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            list(messages),
            chat_template=dateless(template_of(tokenizer)),
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            **TEMPLATE_SETTINGS,
        )
    except TemplateError as error:
        roles = " ".join(message["role"] for message in messages)
        raise UserError(
            f"chat template of {tokenizer.name_or_path}",
            f"it refuses a conversation of {roles}: {str(error).rstrip('.')}",
            "Leave such rows out, or use a base whose template takes them",
        ) from error


def _encode(tokenizer: Any, text: str) -> list[int]:
    # The template writes the BOS token itself; the tokenizer would add a second.
    return list(tokenizer.encode(text, add_special_tokens=False))


def template_of(tokenizer: Any) -> str:
    """Return the tokenizer's chat template, or refuse a tokenizer without one."""
    if not tokenizer.chat_template:
        raise UserError(
            f"tokenizer of {tokenizer.name_or_path}",
            "it has no chat template",
            "Use the model's chat version (often named -Instruct), or say "
            "chat_template: plain in the sft recipe",
        )
    return str(tokenizer.chat_template)
