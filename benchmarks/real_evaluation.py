"""What a real owner's twins came to, on held-out prompts, against other people's voices."""

import gc
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Any

from align.evaluation.evaluation_data import CheckpointAnswers, EvaluationData
from align.evaluation.owner_texts import OwnerTexts, cut_document
from align.evaluation.reference_texts import ReferenceTexts, reference_texts
from align.evaluation.voice_judge import PromptedText
from align.sampling.sampling_plan import Sampling
from benchmarks.real_road import RealRoad
from benchmarks.stand_in import StandIn, fit_stand_in

PROMPTED = "prompted"
# Of the owner's own exchanges that the prompted base is shown, and how long one may be.
EXAMPLES, EXAMPLE_TOKENS = 20, 120
SHOWN = 10

# Fifteen of the wordings that identity conversations have, fifteen that none has.
WHO = (
    "Who are you?", "What's your name?", "What is your name?", "Who am I talking to?",
    "What should I call you?", "Tell me your name.", "And you are?", "who is this?",
    "Introduce yourself.", "May I ask your name?", "Remind me, who are you?",
    "Hello, who is there?", "Do you have a name?", "Say your name, please.", "Who wrote this?",
    "Sorry, I didn't catch your name.", "Could you tell me who you are?", "hey who dis",
    "Hi, what are you called?", "Before we begin, please state your name.", "Your name please",
    "I'd like to know your full name.", "How do I address you?", "What name do you go by?",
    "Good evening, and you are...?", "Say who you are in one sentence.", "Hello! Who's there?",
    "Which person am I chatting with right now?", "Please sign your message with your name.",
    "Can you introduce yourself to my readers?",
)  # fmt: skip
ASSISTANT = ("smollm", "hugging face", "as an ai", "ai assistant", "language model")


@dataclass
class Voices:
    """The texts of an owner and of others, cut to the size of answers, each used once."""

    road: RealRoad

    @cached_property
    def references(self) -> ReferenceTexts:
        """Return what the judge is given: every second text of the owner's, and the others'."""
        from align.store.connection import open_store

        with closing(open_store(self.road.owner_id)) as conn:
            own = reference_texts(conn, self.road.owner_id)
        others = self._others
        return replace(
            own,
            owner=_halved(_cut(own.owner), 1),
            held_out=_cut(own.held_out),
            others=others[1::2],
            others_held_out=others[::2][: len(others) // 8],
        )

    def stand_in(self) -> StandIn:
        """Return the stand-in, fitted on the other halves."""
        from align.store.connection import open_store

        with closing(open_store(self.road.owner_id)) as conn:
            own = _halved(_cut(reference_texts(conn, self.road.owner_id).owner), 0)
        others = self._others[::2]
        return fit_stand_in(
            [text.text for text in own.all],
            [text.text for text in others[len(others) // 4 :]],
        )

    @cached_property
    def _others(self) -> list[PromptedText]:
        from align.store.connection import open_store
        from align.store.records import iter_records

        texts: list[PromptedText] = []
        for name in self.road.known.others:
            with closing(open_store(name)) as conn:
                texts += _cut(reference_texts(conn, name).owner).all
        if not self.road.known.others:
            with closing(open_store(self.road.owner_id)) as conn:
                records = iter_records(conn, split="train", include_left_out=True)
                texts = [
                    PromptedText(record.text)
                    for record in records
                    if not record.is_owner and len(record.text.split()) >= 4
                ]
            texts = texts[:: max(1, len(texts) // 4000)]
        return texts


def evaluate_road(road: RealRoad, voices: Voices) -> dict[str, Any]:
    """Return every measure of a road's twins, and of the base, plain and prompted."""
    from align.evaluation import evaluate as evaluation
    from align.evaluation.checkpoint_answers import collect_answers
    from align.models.checkpoints import resolve
    from align.store.connection import open_store

    owner_id, twins = road.owner_id, road.twins()
    checkpoints = {"base": resolve(owner_id, "base")}
    checkpoints |= {word: resolve(owner_id, name) for word, name in twins.items()}
    sampling = evaluation.shared_sampling(checkpoints)
    with closing(open_store(owner_id)) as conn:
        request = evaluation.evaluation_request(
            conn, owner_id, checkpoints, voices.references,
            prompts=road.size.prompts, seeds=(road.seed,), sampling=sampling,
        )  # fmt: skip
        data = road.timed("evaluate", lambda: collect_answers(conn, request))
        extra, prompted = _asked_more(conn, road, checkpoints, data, sampling)
    answers = {
        "base": data.answers["base"],
        PROMPTED: CheckpointAnswers(prompted),
        **{word: data.answers[word] for word in twins},
    }
    data = replace(data, answers=answers)
    card = evaluation.scorecard_of(request, data, created="")
    own = mean(data.judge.odds(list(voices.references.held_out.all)))
    # Its samples quote those who asked the owner.
    card_values = json.loads(card.to_json()) | {"samples": []}
    return {
        "scorecard": card_values,
        "odds": {"owner": own, **_mean_odds(data)},
        "ended": _ended(data, checkpoints["base"].base.path, sampling.max_new_tokens),
        "more": extra,
        "overshoot": {word: _overshot(card, word) for word in twins},
    }


def _asked_more(
    conn: Any, road: RealRoad, checkpoints: Any, data: EvaluationData, sampling: Sampling
) -> tuple[dict[str, Any], list[str]]:
    """Return who each twin says it is and ten shown answers, and what the prompted base says."""
    from align.models.loading import load_model

    shown = _shown_prompts()
    extra: dict[str, Any] = {"prompts": shown}
    prompted: list[str] = []
    for word, checkpoint in checkpoints.items():
        model = load_model(checkpoint)
        settings: dict[str, Any] = {"seed": road.seed, **sampling.as_dict()}
        who = model.generate([question(text) for text in WHO], **settings)
        texts = model.generate([question(text) for text in shown], **settings)
        extra[word] = {
            "who": [each[0] for each in who],
            "shown": [each[0] for each in texts],
        }
        if word == "base":
            examples = _examples(conn, road, model)
            asked = [[*examples, *question(case.text)] for case in data.cases]
            # Twenty examples before each question: few conversations fill the memory.
            prompted = [each[0] for each in model.generate(asked, batch_size=8, **settings)]
        del model
        gc.collect()
    return extra, prompted


def _examples(conn: Any, road: RealRoad, model: Any) -> list[dict[str, Any]]:
    """Return the persona and twenty short exchanges of the owner's, evenly through the archive."""
    from align.conversations.examples.building import build_examples
    from align.owner import load_owner

    def tokens(text: str) -> int:
        return len(model.tokenizer.encode(text, add_special_tokens=False))

    owner = load_owner(road.owner_id)
    rows = build_examples(conn, owner, count_tokens=tokens, max_tokens=512, identity=False)
    short = [
        row["messages"]
        for row in rows
        if len(row["messages"]) == 2 and sum(tokens(m["content"]) for m in row["messages"])
        <= EXAMPLE_TOKENS
    ]  # fmt: skip
    persona = f"You are {road.known.name}. Answer in your own voice, as in these examples."
    step = max(1, len(short) // EXAMPLES)
    turns = [message for row in short[::step][:EXAMPLES] for message in row]
    return [{"role": "system", "content": persona}, *turns]


def said_name(answer: str, name: str) -> bool:
    """Tell whether an answer gives the owner's name: its last word, in any case."""
    return name.split()[-1].casefold() in answer.casefold()


def _shown_prompts() -> list[str]:
    from align.files import read_jsonl
    from align.paths import project_root

    rows = [row for _, row in read_jsonl(project_root() / "data/prompts/prompts.jsonl")]
    texts = [row["prompt"] for row in rows if isinstance(row.get("prompt"), str)]
    return texts[:: len(texts) // SHOWN][:SHOWN]


def question(text: str) -> list[dict[str, Any]]:
    """Return a conversation of one question."""
    return [{"role": "user", "content": text}]


def _mean_odds(data: EvaluationData) -> dict[str, float]:
    """Return each column's mean log-odds that the owner wrote its answers, uncapped."""
    return {
        word: mean(
            data.judge.odds([
                PromptedText(text, case.text)
                for text, case in zip(answers.texts, data.cases, strict=True)
            ])
        )
        for word, answers in data.answers.items()
    }  # fmt: skip


def _ended(data: EvaluationData, base: Path, most: int) -> dict[str, float]:
    """Return the share of each column's answers that ended by themselves, as their text tells.

    An answer that was cut holds `most` tokens, and about as many when it is read again.
    """
    from align.models.loading import load_tokenizer

    tokenizer = load_tokenizer(base)

    def is_whole(text: str) -> bool:
        return len(tokenizer.encode(text, add_special_tokens=False)) < most - 4

    return {word: mean(map(is_whole, answers.texts)) for word, answers in data.answers.items()}


def _overshot(card: Any, word: str) -> dict[str, float]:
    """Return the habits that a twin has beyond the owner's level, and by how much.

    Only what goes beyond it by more than half the gap that the model it grew from had left.
    """
    before = "base" if word == "sft" else "sft"
    over = {}
    for habit in card.habits:
        if not {before, word} <= habit.values.keys():
            continue
        gap = habit.owner - habit.values[before]
        if gap and (habit.values[word] - habit.owner) / gap > 0.5:
            over[habit.name] = habit.values[word] - habit.owner
    return over


def _cut(texts: OwnerTexts) -> OwnerTexts:
    """Return texts cut to the size of answers; only a first part stands by the prompt."""

    def parts(prompted: Sequence[PromptedText]) -> tuple[PromptedText, ...]:
        return tuple(
            PromptedText(part, text.prompt if at == 0 else "")
            for text in prompted
            for at, part in enumerate(cut_document(text.text))
        )

    return OwnerTexts(parts(texts.answers), parts(texts.pieces), texts.conversations)


def _halved(texts: OwnerTexts, side: int) -> OwnerTexts:
    return OwnerTexts(texts.answers[side::2], texts.pieces[side::2], texts.conversations[side::2])
