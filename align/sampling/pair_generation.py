"""Draw what a plan misses into the store; every answer is stored as it comes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Any, TypeVar

from align.console import progress
from align.sampling.sampling_plan import (
    ATTEMPTS,
    Plan,
    PlanResult,
    Sampling,
    Slot,
    plan_result,
    unanswered,
)
from align.store.answers import Answer, add_answers
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt
from align.text.similarity import similarity

# Seconds between two commits: what a power cut may cost.
FLUSH = 2.0

Row = TypeVar("Row")


def draw_against_records(
    conn: Connection, model: Any, plan: Plan, *, batch_size: int = 192
) -> None:
    """Draw one answer a slot into the store: what the owner's real reply is held against.

    It is the first answer of the prompt's first pair: where that is drawn, it is not drawn again.
    """
    missing = unanswered(plan)
    arriving = _arriving(model, plan, {plan.seed: missing}, batch_size, n=1)
    _store(conn, plan, progress(arriving, len(missing), "sampling", unit="answers"))


def draw_pairs(conn: Connection, model: Any, plan: Plan, *, batch_size: int = 192) -> PlanResult:
    """Draw what the plan of `make_plan` still misses into the store, and bring the plan up to date.

    The model is the `align.models.loaded_model.LoadedModel` of the plan's checkpoint.
    """
    try:
        for attempt in range(ATTEMPTS):
            _draw_attempt(conn, model, plan, attempt, batch_size)
    finally:
        # Ctrl-C keeps what was drawn, and what is whole can be labelled.
        _add_kept_pairs(conn, plan)
    return plan_result(plan)


def _draw_attempt(conn: Connection, model: Any, plan: Plan, attempt: int, batch_size: int) -> None:
    missing = [slot for slot, next_ in plan.missing() if next_ == attempt]
    by_seed: dict[int, list[Slot]] = {}
    for slot in missing:
        by_seed.setdefault(slot.seed(plan.seed, attempt), []).append(slot)
    arriving = _arriving(model, plan, by_seed, batch_size)
    what = "sampling" if attempt == 0 else f"sampling again ({attempt})"
    _store(conn, plan, progress(arriving, 2 * len(missing), what, unit="answers"))


def _arriving(
    model: Any, plan: Plan, by_seed: dict[int, list[Slot]], batch_size: int, *, n: int = 2
) -> Iterator[Answer]:
    for seed, slots in by_seed.items():
        prompts = [slot.prompt for slot in slots]
        texts = generate(
            model, prompts, seed=seed, sampling=plan.settings, batch_size=batch_size, n=n
        )
        for prompt, place, text in texts:
            yield plan.answer(prompt.id, seed, place, text)


def generate(
    model: Any,
    prompts: Sequence[Prompt],
    *,
    seed: int,
    sampling: Sampling,
    batch_size: int,
    n: int = 1,
) -> Iterator[tuple[Prompt, int, str]]:
    """Yield each prompt with n answers, as they arrive: (prompt, place in [0, n), text)."""
    conversations = [prompt.messages for prompt in prompts]
    answers = model.generate_each(
        conversations, seed=seed, batch_size=batch_size, n=n, **sampling.as_dict()
    )
    for at, place, text in answers:
        yield prompts[at], place, text


def store_as_they_come(rows: Iterable[Row], store: Callable[[list[Row]], object]) -> None:
    """Store rows as they arrive, every `FLUSH` seconds and at the end: Ctrl-C keeps what came."""
    waiting: list[Row] = []
    flushed = time.monotonic()
    try:
        for row in rows:
            waiting.append(row)
            if time.monotonic() - flushed >= FLUSH:
                store(waiting)
                waiting, flushed = [], time.monotonic()
    finally:
        store(waiting)


def _store(conn: Connection, plan: Plan, arriving: Iterator[Answer]) -> None:
    def store(answers: list[Answer]) -> None:
        add_answers(conn, answers)
        for answer in answers:
            plan.drawn.setdefault((answer.prompt_id, answer.seed), {})[answer.n] = answer.text

    store_as_they_come(arriving, store)


def _add_kept_pairs(conn: Connection, plan: Plan) -> None:
    pairs = []
    for slot in plan.slots:
        attempt = plan.kept(slot)
        if attempt is None:
            continue
        texts = plan.answers(slot, attempt)
        assert texts is not None
        seed = slot.seed(plan.seed, attempt)
        a, b = (plan.answer(slot.prompt.id, seed, n, text).id for n, text in enumerate(texts))
        pairs.append(
            Pair(
                prompt_id=slot.prompt.id,
                answer_a=a,
                answer_b=b,
                purpose="train",
                similarity=round(similarity(*texts), 4),
            )
        )
    add_pairs(conn, pairs)
