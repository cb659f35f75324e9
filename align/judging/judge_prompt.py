"""The prompt of a judge: `recipes/prompts/judge.md` filled in, and its reply read.

The question decides what a verdict is worth, so the file's hash goes with every one.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from align.choices.verdicts import CERTAINTIES, Certainty, Winner
from align.conversations.prompt_file import PromptFile, Wanted, shipped
from align.judging.protocol import (
    Comparison,
    Example,
    Message,
    OwnerContext,
    OwnerProfile,
    Question,
)
from align.store.verdicts import Order

Reply = Literal["JSON", "a letter"]

# A reply's schema. Ranges and lengths are not enforced by the provider, enums are.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "notes_a": {"type": "string"},
        "notes_b": {"type": "string"},
        "winner": {"type": "string", "enum": ["A", "B", "neither"]},
        "certainty": {"type": "string", "enum": list(CERTAINTIES)},
    },
    "required": ["notes_a", "notes_b", "winner", "certainty"],
    "additionalProperties": False,
}

_COMPARISON = ("conversation", "answer_a", "answer_b")
_SECTIONS = {
    name: Wanted(frozenset(needed), frozenset({"owner"}))
    for name, needed in {
        "shared": ("owner", "facts", "rubric", "examples", "reply"),
        "example": (*_COMPARISON, "chosen"),
        "question": _COMPARISON,
        "reply in JSON": (),
        "reply in a letter": (),
    }.items()
}
_NOTHING = "(nothing is said of it)"
_OWNER_TURN, _OTHER_TURN = "said_by_the_owner", "said_to_the_owner"


@dataclass(frozen=True)
class JudgePrompt:
    """The words of a judge's questions, as a file has them."""

    file: PromptFile  # the file

    @classmethod
    def read(cls, path: Path | None = None) -> "JudgePrompt":
        """Return the prompt of a file (UserError where it is none), else the shipped one."""
        return cls(PromptFile.read(path or shipped("judge"), _SECTIONS, (_OWNER_TURN, _OTHER_TURN)))

    def hash_for(self, profile: OwnerProfile, examples: int) -> str:
        """Return a SHA-256 of what makes this judge: another one has to be measured anew.

        So a changed rubric is another judge, and so is another number of examples.
        """
        parts = [self.file.text, SCHEMA, profile.name, profile.facts, profile.rubric, examples]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def shared(self, context: OwnerContext, reply: Reply = "JSON") -> str:
        """Return what all questions of a context begin with.

        Where a letter is wanted, `question` says so: a small model heeds what it read last.
        """
        profile = context.profile
        facts = "\n".join(f"- {question} {answer}" for question, answer in profile.facts)
        examples = "\n\n".join(self._example(example, profile) for example in context.examples)
        values = {
            "owner": self._name(profile),
            "facts": self.file.material(facts) or _NOTHING,
            "rubric": self.file.material(profile.rubric) or _NOTHING,
            "examples": examples or "(no choices yet)",
            "reply": self._reply("JSON", profile) if reply == "JSON" else "",
        }
        return self.file.filled("shared", values).strip()

    def question(self, question: Question, reply: Reply = "JSON") -> str:
        """Return the question about one comparison, in its order."""
        profile = question.context.profile
        values = self._comparison_values(question.comparison, question.order, profile)
        text = self.file.filled("question", values)
        return text if reply == "JSON" else f"{text}\n\n{self._reply(reply, profile)}"

    def _reply(self, reply: Reply, profile: OwnerProfile) -> str:
        return self.file.filled(f"reply in {reply}", {"owner": self._name(profile)})

    def _example(self, example: Example, profile: OwnerProfile) -> str:
        order: Order = "ab" if example.first == "a" else "ba"
        values = self._comparison_values(example.comparison, order, profile)
        values["chosen"] = "A" if example.winner == example.first else "B"
        return self.file.filled("example", values)

    def _comparison_values(
        self, comparison: Comparison, order: Order, profile: OwnerProfile
    ) -> dict[str, str]:
        first, second = comparison.shown(order)
        return {
            "owner": self._name(profile),
            "conversation": self._conversation(comparison.messages),
            "answer_a": self.file.material(first),
            "answer_b": self.file.material(second),
        }

    def _conversation(self, messages: Iterable[Message]) -> str:
        turns = []
        for message in messages:
            tag = _OWNER_TURN if message["role"] == "assistant" else _OTHER_TURN
            turns.append(f"<{tag}>\n{self.file.material(message['content'])}\n</{tag}>")
        return "\n".join(turns)

    def _name(self, profile: OwnerProfile) -> str:
        return " ".join(self.file.material(profile.name).split())


def parse(text: str, order: Order) -> tuple[Winner, Certainty]:
    """Return what a reply says, in the pair's own terms; ValueError where it breaks `SCHEMA`."""
    reply = json.loads(text, object_pairs_hook=_without_doubles)
    if not isinstance(reply, dict) or set(reply) != set(SCHEMA["required"]):
        raise ValueError("a reply with other keys than were asked for")
    if not all(isinstance(value, str) for value in reply.values()):
        raise ValueError("a reply with something that is no text")
    for key in ("winner", "certainty"):
        if reply[key] not in SCHEMA["properties"][key]["enum"]:
            raise ValueError(f"a reply whose {key} is none of those that can be said")
    certainty: Certainty = reply["certainty"]
    return winner_of(reply["winner"], order), certainty


def winner_of(shown: str, order: Order) -> Winner:
    """Return the winner in the pair's own terms: A is what was shown first."""
    if shown == "neither":
        return "tie"
    return "a" if (shown == "A") == (order == "ab") else "b"


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a reply that says a key twice")
    return dict(pairs)
