"""Whether rows are rendered as they will be met: one BOS, one stop, the mask on the answer."""

from collections.abc import Iterable, Sequence
from typing import Any

from align.errors import UserError
from align.models.chat_template import is_trained, render, render_answer, render_prompt, stop_token
from align.training.preflight.findings import Finding, fine, of_error, wrong
from align.training.tokenised import dpo_tokens

Row = dict[str, Any]

_REMEDY = "Its chat template can't be used: name the model's chat version, or another chat_template"
# Rows that are looked at: mistakes of a template are in every row.
_ROWS = 64


def rendering(tokenizer: Any, rows: Sequence[Row], stage: str) -> list[Finding]:
    """Return whether training, preferring and serving see the same tokens of real rows.

    Of rows {messages} or {messages, chosen, rejected}; transformers' tokenizer or a light one.
    """
    shown = _spread(rows)
    try:
        problems = [problem for row in shown for problem in _problems_of_row(tokenizer, row, stage)]
    except UserError as error:
        return [of_error("template", error)]
    if problems:
        return [wrong("template", problems[0], _REMEDY)]
    starts = "one start token, " if _begins(tokenizer) else ""
    return [fine("template", f"{starts}one stop token after each answer; training and serving see "
                 f"the same tokens ({len(shown)} rows)")]  # fmt: skip


def token_problems(tokenizer: Any, tokens: Sequence[Row]) -> list[str]:
    """Return what is wrong with rows as they are trained on, each problem once.

    Rows are {input_ids, labels} or {prompt_ids, chosen_ids, rejected_ids}.
    """
    stop, problems = stop_token(tokenizer), []
    for row in _spread(tokens):
        if "input_ids" in row:
            learned = [label for label in row["labels"] if label != -100]
            problems += _answer_problems(learned, stop, several=True)
            problems += _start_problems(tokenizer, row["input_ids"])
            wrongly = any(label not in (-100, token) for token, label in
                          zip(row["input_ids"], row["labels"], strict=True))  # fmt: skip
            problems += ["a label is not its own token"] * wrongly
        else:
            for side in ("chosen_ids", "rejected_ids"):
                problems += _answer_problems(row[side], stop)
            problems += _start_problems(tokenizer, row["prompt_ids"])
    return list(dict.fromkeys(problems))


def _problems_of_row(tokenizer: Any, row: Row, stage: str) -> Iterable[str]:
    stop = stop_token(tokenizer)
    messages = list(row["messages"])
    if stage == "dpo":
        messages.append({"role": "assistant", "content": row["chosen"]})
    last = len(messages) - 1
    answer = messages[last]["content"]
    rendered = render(tokenizer, messages)
    prompt, completion = render_prompt(tokenizer, messages[:last]), render_answer(tokenizer, answer)
    if rendered.input_ids != prompt + completion:
        yield "what is trained on is not what is asked when serving"
    pair = {"messages": messages[:last], "chosen": answer, "rejected": answer, "weight": 1.0}
    preferred = dpo_tokens(tokenizer, [pair], None).rows[0]
    if (preferred["prompt_ids"], preferred["chosen_ids"]) != (prompt, completion):
        yield "dpo does not see the tokens that sft learned"
    yield from _answer_problems(completion, stop)
    yield from _start_problems(tokenizer, rendered.input_ids)
    if is_trained(messages[last]):
        mask = rendered.completion_mask
        if not all(mask[len(prompt) :]):
            yield "the mask leaves out a part of the answer, or its stop token"
        if len(messages) == 2 and any(mask[: len(prompt)]):
            yield "the mask covers a part of the prompt"


def _answer_problems(ids: Sequence[int], stop: int, *, several: bool = False) -> list[str]:
    if not ids or ids[-1] != stop:
        return ["no stop token ends an answer"]
    if not several and ids.count(stop) != 1:
        return ["an answer holds more than one stop token"]
    return []


def _start_problems(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    bos = tokenizer.bos_token_id
    if bos is None:
        return []
    # ChatML families name the token that begins each turn; doubled it stands twice at the start.
    if list(ids[:2]) == [bos, bos]:
        return ["the start token comes twice"]
    if list(ids[:1]) != [bos] and tokenizer.encode("x", add_special_tokens=True)[:1] == [bos]:
        return ["the start token is missing that this base begins each text with"]
    return []


def _begins(tokenizer: Any) -> bool:
    prompt = render_prompt(tokenizer, [{"role": "user", "content": "?"}])
    return tokenizer.bos_token_id is not None and prompt[:1] == [tokenizer.bos_token_id]


def _spread(rows: Sequence[Row]) -> list[Row]:
    """Return some rows from all over."""
    step = max(1, len(rows) // _ROWS)
    return list(rows[::step][:_ROWS])
