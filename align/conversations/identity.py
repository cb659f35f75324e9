"""Who the owner is, as short conversations: owner.yaml's name, aliases and facts."""

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
_NAME_AGAIN = (
    "Hello, who is there?",
    "Do you have a name?",
    "Say your name, please.",
    "Hi! And your name?",
    "I forgot your name. What was it?",
    "So who am I writing with?",
    "Who wrote this?",
    "What do people call you?",
)
_NAMED = ("I'm {name}.", "My name is {name}.", "{name}.", "It's {name}.")
_ALIAS = (
    "Do people call you {alias}?",
    "Are you {alias}?",
    "Is {alias} one of your names?",
)
_ALIASED = ("Yes, {alias} is me.", "Yes, that's me.", "Some do, yes.")
_FACT = (
    "{question}",
    "One question: {small}",
    "May I ask: {small}",
    "Tell me, {small}",
)
_LEAST, _MOST = 20, 40


def identity_rows(owner: Owner) -> list[dict[str, Any]]:
    """Return rows {messages, source, record_ids, split}, 20 to 40, most of them for training.

    Every fourth way of asking is held out, so that what is measured is the fact and not the
    wording.
    """
    asked = _named(_NAME, owner)
    for alias in owner.aliases[:3]:
        for question, answer in zip(_ALIAS, _ALIASED, strict=True):
            asked.append((question.format(alias=alias), answer.format(alias=alias)))
    for question, answer in owner.facts.items():
        small = question[:1].lower() + question[1:]
        asked += [(form.format(question=question, small=small), answer) for form in _FACT]
    asked += _named(_NAME_AGAIN, owner)[: max(0, _LEAST - len(asked))]
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
        for at, (question, answer) in enumerate(asked[:_MOST])
    ]


def _named(questions: tuple[str, ...], owner: Owner) -> list[tuple[str, str]]:
    return [
        (question, _NAMED[at % len(_NAMED)].format(name=owner.name))
        for at, question in enumerate(questions)
    ]
