"""Who the owner is, as short conversations: owner.yaml's name, aliases and facts."""

import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from align.owner import Owner

# The wordings, each list by its name.
_SAY = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_LEAST, _MOST = 20, 40


def identity_rows(owner: Owner, training: int = 0) -> list[dict[str, Any]]:
    """Return rows {messages, source, record_ids, split}, 20 to 40, most of them for training.

    Every fourth wording is held out, so that the fact is measured and not the wording. More than
    40 are made where `training` rows are wanted: further wordings of who the owner is.
    """
    pairs = _name_pairs(_SAY["name"], owner)
    for alias in owner.aliases[:3]:
        for question, answer in zip(_SAY["alias"], _SAY["alias_answers"], strict=True):
            pairs.append((question.format(alias=alias), answer.format(alias=alias)))
    for question, answer in owner.facts.items():
        small = question[:1].lower() + question[1:]
        pairs += [(form.format(question=question, small=small), answer) for form in _SAY["fact"]]
    pairs += _name_pairs(_SAY["more_name"], owner)[: max(0, _LEAST - len(pairs))]
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
    plain = (*_SAY["further_name"], *_SAY["name"], *_SAY["more_name"])
    yield from _name_pairs(_SAY["further_name"], owner)
    for before in _SAY["before"]:
        yield from _name_pairs(tuple(before + question for question in plain), owner)


def _name_pairs(questions: tuple[str, ...], owner: Owner) -> list[tuple[str, str]]:
    return [
        (question, _SAY["name_answers"][at % len(_SAY["name_answers"])].format(name=owner.name))
        for at, question in enumerate(questions)
    ]
