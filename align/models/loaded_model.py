"""A checkpoint's model in memory, and the answers that it gives.

Tokens are drawn by inverse transform: one uniform number decides a token, on any device. They come
from the prompt and the seed, so an answer does not depend on its batch.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from align.models.chat_template import (
    Message,
    messages_within,
    prompt_within,
    render,
    stop_token,
)
from align.models.checkpoints import Checkpoint

# Of a vocabulary, how many tokens are looked at before all of them are.
_LIKELIEST = 512
# Keys and values that are kept at a time, in bytes: on a CPU, and on what has a memory of its own.
_CACHE_BYTES, _DEVICE_CACHE_BYTES = 2 << 30, 12 << 30
# Logits that are computed at a time: 1 GB in float32.
_BATCH_LOGITS = 1 << 28


@dataclass(frozen=True)
class LoadedModel:
    """A model that answers: a checkpoint's, or the base itself."""

    model: Any
    tokenizer: Any
    checkpoint: Checkpoint

    @property
    def context(self) -> int | None:
        """Return how many tokens the model reads; None where it doesn't say."""
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def generate(
        self, conversations: Sequence[Sequence[Message]], *, n: int = 1, **settings: Any
    ) -> list[list[str]]:
        """Return n answers to each conversation, in the conversations' order.

        An answer depends on its conversation, the seed and its place among the n, not on what
        else is asked in the same call: a run that goes on where it was draws the same answers.
        The settings are those of `generate_each`; a temperature of 0 takes the likeliest token.
        """
        answers: list[list[str]] = [[""] * n for _ in conversations]
        for at, place, text in self.generate_each(conversations, n=n, **settings):
            answers[at][place] = text
        return answers

    def generate_each(
        self,
        conversations: Sequence[Sequence[Message]],
        *,
        seed: int,
        temperature: float = 1.0,
        top_p: float = 1.0,
        max_new_tokens: int = 160,
        max_prompt_tokens: int | None = None,
        batch_size: int = 192,
        n: int = 1,
        share: tuple[int, int] = (0, 1),
    ) -> Iterator[tuple[int, int, str]]:
        """Yield (conversation, place among its n, answer) as answers are done, for progress.

        A `share` of (1, 4) draws the second of every four batches: the four shares together make
        the batches of one process, so that even rounding is the same.
        """
        prompts = [
            prompt_within(self.tokenizer, messages, max_prompt_tokens) for messages in conversations
        ]
        places = [(at, place) for at in range(len(prompts)) for place in range(n)]
        # Prompts of a length share a batch: little padding, and near-equal float sums.
        places.sort(key=lambda item: (len(prompts[item[0]]), item))
        lengths = [len(prompts[at]) + max_new_tokens for at, _ in places]
        batches = list(_batches(lengths, batch_size, self._most_tokens()))
        for start, end in batches[share[0] :: share[1]]:
            batch = places[start:end]
            ids = [prompts[at] for at, _ in batch]
            keys = [f"{seed} {place} {ids[row]}" for row, (_, place) in enumerate(batch)]
            chances = uniforms(keys, max_new_tokens)
            for row, tokens in self._continue(ids, chances, temperature, top_p):
                text = self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
                yield (*batch[row], text)

    def _most_tokens(self) -> int:
        """Return how many tokens' keys and values may be kept at a time."""
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        token = 2 * config.num_hidden_layers * heads * size * self.model.dtype.itemsize
        room = _CACHE_BYTES if self.model.device.type == "cpu" else _DEVICE_CACHE_BYTES
        return max(1, room // token)

    @torch.inference_mode()
    def _continue(
        self, prompts: list[list[int]], chances: torch.Tensor, temperature: float, top_p: float
    ) -> Iterator[tuple[int, list[int]]]:
        """Yield (row, new tokens) as rows reach their stop token or the last step.

        Of B prompts; `chances` are uniform numbers in [0, 1), (B, steps): one decides each token.
        """
        from align.models.growing_cache import growing_cache

        device = self.model.device
        ids, attention = _left_padded(prompts, self.tokenizer.pad_token_id, device)
        positions = (attention.cumsum(1) - 1).clamp(min=0)
        cache = growing_cache(self.model.config)
        stops = torch.tensor(sorted(stops_of(self.model, self.tokenizer)), device=device)
        chances = chances.to(device)
        rows = torch.arange(len(prompts))
        drawn = torch.zeros((len(prompts), 0), dtype=torch.long, device=device)
        for step in range(chances.shape[1]):
            logits = self.model(
                input_ids=ids,
                attention_mask=attention,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            token = draw(logits.float(), chances[:, step], temperature, top_p)
            drawn = torch.cat([drawn, token[:, None]], dim=1)
            done = torch.isin(token, stops)
            if step == chances.shape[1] - 1:
                done[:] = True
            for row in done.nonzero().flatten().tolist():
                tokens = drawn[row].tolist()
                yield int(rows[row]), tokens[:-1] if tokens[-1] in stops else tokens
            going = (~done).nonzero().flatten()
            if not len(going):
                return
            if len(going) < len(token):
                # Rows that are done cost nothing from here on.
                # From the CPU they reach the layers of a spread model, wherever those lie.
                is_spread = len(set(getattr(self.model, "hf_device_map", {}).values())) > 1
                cache.batch_select_indices(going.cpu() if is_spread else going)
                attention, positions, drawn = attention[going], positions[going], drawn[going]
                chances, token, rows = chances[going], token[going], rows[going.cpu()]
            ids = token[:, None]
            attention = torch.cat([attention, attention.new_ones(len(ids), 1)], dim=1)
            positions = positions[:, -1:] + 1


@dataclass(frozen=True)
class Likelihood:
    """How likely a twin finds a text: summed natural log-probability, over how many tokens."""

    log_prob: float
    tokens: int


@torch.inference_mode()
def log_likelihood(
    loaded: LoadedModel,
    texts: Sequence[str | Sequence[Message]],
    *,
    batch_size: int = 32,
    max_prompt_tokens: int | None = None,
) -> list[Likelihood]:
    """Return the likelihood of each text, in order.

    A plain text is scored from its second token on, without a template; a conversation on the
    owner's answers and their stop tokens. What stands before its last answer is cut as a prompt is.
    """
    rows = [_scored(loaded.tokenizer, text, max_prompt_tokens) for text in texts]
    order = sorted(range(len(rows)), key=lambda at: len(rows[at][0]))
    scores: list[Likelihood] = [Likelihood(0.0, 0)] * len(rows)
    most = _BATCH_LOGITS // loaded.model.config.get_text_config().vocab_size
    for start, end in _batches([len(rows[at][0]) for at in order], batch_size, most):
        batch = order[start:end]
        length = max(len(rows[at][0]) for at in batch)
        ids = torch.full((len(batch), length), loaded.tokenizer.pad_token_id)
        scored = torch.zeros((len(batch), length), dtype=torch.bool)
        attention = torch.zeros_like(ids)
        for row, at in enumerate(batch):
            tokens, mask = rows[at]
            ids[row, : len(tokens)] = torch.tensor(tokens)
            scored[row, : len(tokens)] = torch.tensor(mask, dtype=torch.bool)
            attention[row, : len(tokens)] = 1
        ids, scored, attention = (part.to(loaded.model.device) for part in (ids, scored, attention))
        logits = loaded.model(input_ids=ids, attention_mask=attention).logits[:, :-1].float()
        chosen = logits.gather(2, ids[:, 1:, None]).squeeze(2) - logits.logsumexp(2)
        kept = scored[:, 1:]
        sums = (chosen * kept).sum(1).tolist()
        for at, total, count in zip(batch, sums, kept.sum(1).tolist(), strict=True):
            scores[at] = Likelihood(total, count)
    return scores


def _batches(lengths: Sequence[int], batch_size: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of batches of at most `batch_size` rows and `most` tokens, padded.

    The lengths rise; a row that is longer than `most` is a batch of its own.
    """
    start = 0
    for end in range(1, len(lengths) + 1):
        rows = end - start
        is_last = end == len(lengths)
        if is_last or rows == batch_size or (rows + 1) * lengths[end] > most:
            yield start, end
            start = end


def uniforms(keys: Sequence[str], steps: int) -> torch.Tensor:
    """Return uniform numbers in [0, 1), (len(keys), steps), each row decided by its key."""
    rows = torch.empty((len(keys), steps), dtype=torch.float32)
    generator = torch.Generator()
    for row, key in enumerate(keys):
        generator.manual_seed(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big"))
        rows[row] = torch.rand(steps, generator=generator)
    return rows


def draw(
    logits: torch.Tensor, chances: torch.Tensor, temperature: float, top_p: float
) -> torch.Tensor:
    """Return one token id a row, (B,).

    Args:
        logits: (B, V), float32.
        chances: (B,), uniform in [0, 1).
        temperature: Of the softmax; 0 takes the likeliest token.
        top_p: Tokens outside the smallest set of likeliest ones with this mass are never drawn.
    """
    if temperature <= 0:
        return logits.argmax(dim=1)
    chances = chances[:, None]
    if top_p >= 1:
        mass = torch.softmax(logits / temperature, dim=1).cumsum(dim=1)
        return torch.searchsorted(mass, chances * mass[:, -1:], right=True).clamp(
            max=logits.shape[1] - 1
        )[:, 0]
    scaled = logits / temperature
    # A full sort of a large vocabulary takes longer than a small model's step: only the rows are
    # sorted whose likeliest few hundred don't hold the mass.
    ordered, tokens = torch.topk(scaled, min(_LIKELIEST, scaled.shape[1]), dim=1)
    chance = (ordered - scaled.logsumexp(dim=1, keepdim=True)).exp()
    drawn = _of_nucleus(chance, tokens, chances, top_p)
    wide = chance.sum(dim=1) < top_p
    if bool(wide.any()):
        ordered, tokens = torch.sort(scaled[wide], dim=1, descending=True, stable=True)
        drawn[wide] = _of_nucleus(torch.softmax(ordered, dim=1), tokens, chances[wide], top_p)
    return drawn


def _of_nucleus(
    chance: torch.Tensor, tokens: torch.Tensor, chances: torch.Tensor, top_p: float
) -> torch.Tensor:
    """Return a token of each row, whose tokens and their chances come likeliest first."""
    mass = chance.cumsum(dim=1)
    # The token that crosses top_p is still in.
    mass = torch.where(mass - chance < top_p, chance, 0.0).cumsum(dim=1)
    place = torch.searchsorted(mass, chances * mass[:, -1:], right=True)
    return tokens.gather(1, place.clamp(max=tokens.shape[1] - 1))[:, 0]


def stops_of(model: Any, tokenizer: Any) -> list[int]:
    """Return the ids that end an answer: the template's stop first, then what the base lists."""
    listed = model.generation_config.eos_token_id
    listed = [listed] if isinstance(listed, int) else listed or []
    ids = [stop_token(tokenizer), *listed, tokenizer.eos_token_id]
    return [id for id in dict.fromkeys(ids) if id is not None]


def _left_padded(prompts: list[list[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Return token ids and attention mask, both (B, longest prompt)."""
    length = max(len(ids) for ids in prompts)
    ids = torch.full((len(prompts), length), pad)
    attention = torch.zeros_like(ids)
    for row, tokens in enumerate(prompts):
        ids[row, length - len(tokens) :] = torch.tensor(tokens)
        attention[row, length - len(tokens) :] = 1
    return ids.to(device), attention.to(device)


def _scored(
    tokenizer: Any, text: str | Sequence[Message], room: int | None
) -> tuple[list[int], list[int]]:
    if not isinstance(text, str):
        rendered = render(tokenizer, [*messages_within(tokenizer, text[:-1], room), text[-1]])
        return rendered.input_ids, rendered.completion_mask
    ids = tokenizer.encode(text, add_special_tokens=False)
    if tokenizer.bos_token_id is not None:
        ids = [tokenizer.bos_token_id, *ids]
    return ids, [1] * len(ids)
