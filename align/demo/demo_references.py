"""A demo owner's reference texts: the invented world knows other people, and the owner's choice."""

import json
import random
from dataclasses import replace
from pathlib import Path

from align.demo.grammar import answer, question
from align.demo.kinds import KINDS
from align.demo.owners import OWN_REGISTER, in_some_register
from align.demo.simulated_owner import SimulatedOwner
from align.demo.topics import distinctive, stem, topic_of, topic_words, topics, words
from align.demo.voice import ASSISTANT, Voice, diluted, random_voice
from align.evaluation.owner_texts import Message
from align.evaluation.reference_texts import ReferenceTexts, Verdict
from align.evaluation.voice_judge import PromptedText
from align.evaluation.win_rates import LOSS, TIE, WIN

# Other people whom the judge is fitted against, others on whom it is tried, answers of each.
PEOPLE, PEOPLE_HELD_OUT, ANSWERS = 80, 30, 8
# What the simulated owner looks at, in the terms of align.text.style.
CHOSEN_BY = frozenset(
    {
        "semicolons", "dashes", "hedges", "interjection first", "first word",
        "sentence length", "short sentences", "intensifiers",
    }
)  # fmt: skip
NEUTRAL = 120
OWN = 400


def with_demo_world(references: ReferenceTexts, path: Path) -> ReferenceTexts:
    """Add to a demo owner's reference texts what the demo's world knows of them and of others."""
    simulated = SimulatedOwner.load(path)
    people = _people(PEOPLE + PEOPLE_HELD_OUT)
    return replace(
        references,
        others=_answers_of(people[:PEOPLE], 0),
        others_held_out=_answers_of(people[PEOPLE:], 1),
        neutral=_neutral(),
        topic_words=topic_words(),
        on_topic=speaks_of,
        simulated_verdict=_verdict(simulated),
        own_register=_own_register(simulated.voice),
        chosen_by=CHOSEN_BY,
        kind="demo",
    )


def speaks_of(prompt: str, text: str) -> bool | None:
    """Tell whether a text speaks of the prompt's topic and of no other more; None without topic."""
    topic = topic_of(prompt)
    if topic is None:
        return None
    stems = {stem(word) for word in words(text)}
    own = len(stems & distinctive(topic))
    return own > 0 and all(len(stems & distinctive(other.key)) <= own for other in topics())


def _people(count: int) -> list[Voice]:
    rng = random.Random("other people 0")
    return [random_voice(rng.randrange(2**31)) for _ in range(count)]


def _answers_of(people: list[Voice], seed: int) -> list[PromptedText]:
    """Return what others answer, in registers as mixed as an owner's."""
    rng = random.Random(f"other people's answers {seed}")
    texts = []
    for voice in people:
        for _ in range(ANSWERS):
            topic, kind = rng.choice(topics()), rng.choice(KINDS)
            prompt = question(topic, kind, rng)
            text = answer(topic, kind, in_some_register(voice, rng), rng)
            texts.append(PromptedText(text, prompt))
    return texts


def _neutral() -> list[tuple[Message, ...]]:
    rng = random.Random("neutral 0")
    conversations: list[tuple[Message, ...]] = []
    for _ in range(NEUTRAL):
        topic, kind = rng.choice(topics()), rng.choice(KINDS)
        prompt = {"role": "user", "content": question(topic, kind, rng)}
        reply = {"role": "assistant", "content": answer(topic, kind, ASSISTANT, rng)}
        conversations.append((prompt, reply))
    return conversations


def _own_register(voice: Voice) -> list[str]:
    rng = random.Random("own register 0")
    own = diluted(voice, OWN_REGISTER)
    return [answer(rng.choice(topics()), rng.choice(KINDS), own, rng) for _ in range(OWN)]


def _verdict(simulated: SimulatedOwner) -> Verdict:
    outcome = {"left": WIN, "right": LOSS, "both": TIE, "neither": TIE}

    def choose(prompt: str, first: str, second: str, case: int) -> float:
        # Each case has its own luck and sides, whatever else is judged.
        rng = random.Random(json.dumps([case, prompt, first, second]))
        if rng.random() < 0.5:
            return outcome[simulated.choose(prompt, first, second, rng)]
        return 1 - outcome[simulated.choose(prompt, second, first, rng)]

    return choose
