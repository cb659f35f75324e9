"""A local model as a judge: which of two letters it would rather write next.

Imports torch; imported inside functions only.
"""

import asyncio
import copy
import hashlib
import json
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby, islice
from typing import Any, ClassVar, NamedTuple

import torch

from align.choices.verdicts import Certainty, Judgement
from align.console import say
from align.errors import UserError
from align.judging.judge_prompt import JudgePrompt, winner_of
from align.judging.owner_context import EXAMPLES
from align.judging.protocol import (
    Keep,
    OwnerContext,
    OwnerProfile,
    Question,
    keep_nothing,
    verdict_on,
)
from align.models.base import resolve_base
from align.models.chat_template import TEMPLATE_SETTINGS, render_prompt
from align.models.checkpoints import Checkpoint
from align.models.loaded_model import LoadedModel
from align.models.loading import load_model
from align.store.verdicts import Order, Verdict

# What the model is surer of than this, as a margin of probability between the letters, is as
# certain as that: .5 is three in four, .8 is nine in ten, as the prompt defines the words.
MEDIUM, HIGH = 0.5, 0.8
# Logits between 16 and 32 stand 1/8 apart in bfloat16, which moves the margin by tanh(1/16).
TIE = 0.06
# Questions that are read ahead, to be sorted by context and length.
_AHEAD = 512
LETTERS = ("A", "B")
# How a model that knows no turns is led to the letter.
_LED = "\n\nAnswer:"
TOO_LONG = "too long"


class _Tokenized(NamedTuple):
    """A question in tokens."""

    question: Question
    tokens: list[int]  # all that is read; empty where it is too long even without examples
    shares: tuple[int, int]  # the same where questions begin with the same words


class LocalJudge:
    """Judges by the probabilities of the letters A and B as the next token.

    `words` are a hub id that is on this machine, or a folder; `batch_size` questions are read at a
    time, each with `examples` of the owner's choices. UserError: there is no such model here, or
    its vocabulary has no token for a letter.
    """

    name: ClassVar[str] = "local"

    def __init__(
        self,
        words: str,
        prompt: JudgePrompt,
        profile: OwnerProfile,
        *,
        examples: int = EXAMPLES,
        batch_size: int = 8,
    ) -> None:
        self._base = resolve_base(words, where="--model")
        self._prompt, self._batch_size = prompt, batch_size
        self.model = f"{self._base.name}@{self._base.hash[:12]}"
        self.prompt_hash = prompt.hash_for(profile, examples)
        # By the context's id, which holds as long as the context, kept beside, lives.
        self._shared: dict[tuple[int, int], tuple[OwnerContext, str]] = {}
        self._told_shorter = False

    def briefing(self, context: OwnerContext) -> str:
        """Return a name for the examples that it is shown."""
        return context.briefing

    def request_id(self, question: Question) -> str:
        """Return a name for the question, made from the model and all that it reads."""
        text = self._text(question, len(question.context.examples))
        content = json.dumps([self.name, self.model, text])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    async def answers(
        self, questions: Iterable[Question], keep: Keep = keep_nothing
    ) -> AsyncGenerator[Verdict, None]:
        """Yield the answers; of a few hundred questions those that begin alike come together."""
        waiting = iter(questions)
        while ahead := list(islice(waiting, _AHEAD)):
            tokenized = sorted(
                map(self._tokenized, ahead), key=lambda item: (item.shares, len(item.tokens))
            )
            for _, alike in groupby(tokenized, key=lambda item: item.shares):
                for answer in self._answered(list(alike)):
                    yield answer
                    await asyncio.sleep(0)

    def margins(self, rows: Sequence[list[int]]) -> Iterator[float]:
        """Yield how much likelier A is than B after each row of tokens, -1 to 1, in order.

        What all rows begin with is read once.
        """
        common = _in_common(rows) if len(rows) > 1 else 0
        with torch.inference_mode():
            read = self._read(rows[0][:common]) if common else None
            for start in range(0, len(rows), self._batch_size):
                batch = [row[common:] for row in rows[start : start + self._batch_size]]
                yield from self._batch(batch, read)

    def _answered(self, tokenized: Sequence[_Tokenized]) -> Iterator[Verdict]:
        readable = [item for item in tokenized if item.tokens]
        margins = self.margins([item.tokens for item in readable])
        for item, margin in zip(readable, margins, strict=True):
            yield verdict_on(self, item.question, judgement_of(margin, item.question.order))
        for item in tokenized:
            if not item.tokens:
                yield verdict_on(self, item.question, Judgement(None, None, TOO_LONG))

    def _read(self, tokens: list[int]) -> Any:
        """Return the cache of what all questions begin with."""
        from transformers.cache_utils import DynamicCache

        model = self._loaded.model
        cache = DynamicCache(config=model.config)
        ids = torch.tensor([tokens], device=model.device)
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return cache

    def _batch(self, rows: Sequence[list[int]], read: Any) -> list[float]:
        """Return the margins of rows that follow what was read; B of them.

        They are padded on the right: what comes later changes nothing at a row's last token.
        """
        model = self._loaded.model
        lengths = torch.tensor([len(row) for row in rows])
        ids = torch.full((len(rows), int(lengths.max())), self._loaded.tokenizer.pad_token_id)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.tensor(row)
        cache = copy.deepcopy(read)
        if cache is not None:
            cache.batch_repeat_interleave(len(rows))
        # Logits are kept where a row ends: all of them would be (B, T, vocabulary).
        ends, place = torch.unique(lengths - 1, return_inverse=True)
        logits = model(
            input_ids=ids.to(model.device),
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=ends.to(model.device),
        ).logits
        last = logits[torch.arange(len(rows)), place].float()
        a, b = (torch.logsumexp(last[:, list(tokens)], 1) for tokens in self._letters)
        margins: list[float] = torch.tanh((a - b) / 2).tolist()
        return margins

    def _tokenized(self, question: Question) -> _Tokenized:
        """Return a question in tokens, with as many examples as the model's context takes."""
        examples, most = len(question.context.examples), self._loaded.context

        def tokens(shown: int) -> list[int]:
            return self._tokens(self._text(question, shown))

        def is_too_long(shown: int) -> bool:
            return most is not None and len(tokens(shown)) >= most

        shown = examples
        if is_too_long(examples):
            shown = bisect_left(range(examples), True, key=is_too_long) - 1
            if not self._told_shorter:
                self._told_shorter = True
                say(
                    f"{self._base.name} reads {most:,} tokens at most: where they don't suffice "
                    f"it is shown fewer than {examples} of the choices."
                )
        ids = tokens(shown) if shown >= 0 else []
        return _Tokenized(question, ids, (id(question.context), shown))

    def _text(self, question: Question, examples: int) -> str:
        key = (id(question.context), examples)
        if key not in self._shared:
            context = question.context
            shorter = replace(context, examples=context.examples[:examples])
            self._shared[key] = (context, self._prompt.shared(shorter, "a letter"))
        return f"{self._shared[key][1]}\n\n{self._prompt.question(question, 'a letter')}"

    def _tokens(self, text: str) -> list[int]:
        tokenizer = self._loaded.tokenizer
        if tokenizer.chat_template:
            return render_prompt(tokenizer, [{"role": "user", "content": text}])
        # Somebody's text that spells a control token must not become one.
        ids: list[int] = tokenizer.encode(
            text + _LED, add_special_tokens=False, split_special_tokens=True
        )
        return ids if tokenizer.bos_token_id is None else [tokenizer.bos_token_id, *ids]

    @cached_property
    def _loaded(self) -> LoadedModel:
        # Loaded when the first question comes: where all is on file, none does.
        return load_model(Checkpoint("base", None, self._base.hash, self._base))

    @cached_property
    def _letters(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        a, b = (letter_tokens(self._loaded.tokenizer, letter) for letter in LETTERS)
        if not a or not b or set(a) & set(b):
            raise UserError(
                f"--model {self._base.name}",
                "its vocabulary has no token for the letter A or B",
                "Judge with another model",
            )
        return a, b


def letter_tokens(tokenizer: Any, letter: str) -> tuple[int, ...]:
    """Return the tokens with which a reply that is one letter can begin, with a blank or without.

    Both as they are by themselves and as they follow a prompt: some vocabularies put a blank
    before what stands alone.
    """
    before = _LED
    if tokenizer.chat_template:
        before = tokenizer.apply_chat_template(
            [{"role": "user", "content": "?"}],
            tokenize=False,
            add_generation_prompt=True,
            **TEMPLATE_SETTINGS,
        )

    def encoded(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids

    prompt = encoded(before)
    candidates = []
    for form in (letter, f" {letter}"):
        follows = encoded(before + form)
        if follows[: len(prompt)] == prompt:
            candidates.append(follows[len(prompt) :])
        candidates.append(encoded(form))
    return tuple(dict.fromkeys(ids[0] for ids in candidates if len(ids) == 1))


def judgement_of(margin: float, order: Order) -> Judgement:
    """Return what a margin of probability between A and B says, -1 to 1."""
    sure = abs(margin)
    certainty: Certainty = "high" if sure >= HIGH else "medium" if sure >= MEDIUM else "low"
    if sure < TIE:
        return Judgement("tie", certainty)
    return Judgement(winner_of("A" if margin > 0 else "B", order), certainty)


def _in_common(rows: Sequence[list[int]]) -> int:
    """Return how many tokens all rows begin with, their last ones left apart."""
    first, last = min(rows), max(rows)
    shortest = min(len(row) for row in rows) - 1
    return next((at for at in range(shortest) if first[at] != last[at]), shortest)
