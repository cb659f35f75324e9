"""Who the owner is, as short conversations: owner.yaml's name, aliases and facts."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from align.owner import Owner

_NAME = (
    "Who are you?",
    "What's your name?",
    "What is your name?",
    "Who am I talking to?",
    "What should I call you?",
    "Tell me your name.",
    "And you are?",
    "what's your name",
    "who is this?",
    "Introduce yourself.",
    "May I ask your name?",
    "Remind me, who are you?",
)
# For an owner of whom only the name is known.
_MORE_NAME = (
    "Hello, who is there?",
    "Do you have a name?",
    "Say your name, please.",
    "Hi! And your name?",
    "I forgot your name. What was it?",
    "So who am I writing with?",
    "Who wrote this?",
    "What do people call you?",
)
_NAME_ANSWERS = ("I'm {name}.", "My name is {name}.", "{name}.", "It's {name}.")
# Once these run out, the wordings come again with a word before them.
_FURTHER_NAME = (
    "who am i speaking to",
    "Could you say who you are?",
    "I don't think we've met. You are?",
    "What name should I write down?",
    "Whose voice is this?",
    "Give me your full name, please.",
    "Who's writing?",
    "Please introduce yourself to the others.",
    "Under which name do people know you?",
    "How do you sign your letters?",
    "Just checking: who is this?",
    "Can I have your name?",
)
_BEFORE = (
    "Hi! ",
    "Hello. ",
    "Excuse me. ",
    "One more thing. ",
    "Hey. ",
    "Good evening. ",
    "I'm new here. ",
    "Before I forget: ",
    "Thanks for writing. ",
    "Oh, hello! ",
)
_ALIAS = ("Do people call you {alias}?", "Are you {alias}?", "Is {alias} one of your names?")
_ALIAS_ANSWERS = ("Yes, {alias} is me.", "Yes, that's me.", "Some do, yes.")
_FACT = ("{question}", "One question: {small}", "May I ask: {small}", "Tell me, {small}")
_LEAST, _MOST = 20, 40


def identity_rows(owner: Owner, training: int = 0) -> list[dict[str, Any]]:
    """Return rows {messages, source, record_ids, split}, 20 to 40, most of them for training.

    Every fourth wording is held out, so that the fact is measured and not the wording. More than
    40 are made where `training` rows are wanted: further wordings of who the owner is.
    """
    pairs = _name_pairs(_NAME, owner)
    for alias in owner.aliases[:3]:
        for question, answer in zip(_ALIAS, _ALIAS_ANSWERS, strict=True):
            pairs.append((question.format(alias=alias), answer.format(alias=alias)))
    for question, answer in owner.facts.items():
        small = question[:1].lower() + question[1:]
        pairs += [(form.format(question=question, small=small), answer) for form in _FACT]
    pairs += _name_pairs(_MORE_NAME, owner)[: max(0, _LEAST - len(pairs))]
    pairs = pairs[:_MOST]
    # A question that a fact answers is not answered in other words.
    known = {question for question, _ in pairs} | set(owner.facts)
    more = (pair for pair in _further(owner) if pair[0] not in known)
    pairs += islice(more, max(0, -(-4 * training // 3) - len(pairs)))
    return [
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ],
            "source": "identity",
            "record_ids": [],
            "split": "held_out" if at % 4 == 3 else "train",
        }
        for at, (question, answer) in enumerate(pairs)
    ]


def _further(owner: Owner) -> Iterator[tuple[str, str]]:
    plain = (*_FURTHER_NAME, *_NAME, *_MORE_NAME)
    yield from _name_pairs(_FURTHER_NAME, owner)
    for before in _BEFORE:
        yield from _name_pairs(tuple(before + question for question in plain), owner)


def _name_pairs(questions: tuple[str, ...], owner: Owner) -> list[tuple[str, str]]:
    return [
        (question, _NAME_ANSWERS[at % len(_NAME_ANSWERS)].format(name=owner.name))
        for at, question in enumerate(questions)
    ]
