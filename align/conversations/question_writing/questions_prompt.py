"""What Claude is sent when it writes questions, filled into `recipes/prompts/questions.md`."""

import json
from pathlib import Path
from typing import Any

from align.conversations.prompt_file import PromptFile, Wanted, shipped

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}


def read_questions_prompt(path: Path | None = None) -> PromptFile:
    """Return the prompt of a file (UserError where it is none), else the shipped one."""
    sections = {"shared": Wanted(frozenset({"count"})), "passage": Wanted(frozenset({"passage"}))}
    return PromptFile.read(path or shipped("questions"), sections)


def instructions(prompt: PromptFile, count: int) -> str:
    """Return what goes before every passage; `count` is how many questions at most."""
    return prompt.filled("shared", {"count": "one" if count == 1 else f"up to {count}"})


def shown_passage(prompt: PromptFile, text: str) -> str:
    """Return how one passage is shown; it can't close the tags that hold it."""
    return prompt.filled("passage", {"passage": prompt.material(text)})


def parse(text: str) -> list[str]:
    """Return the questions that a reply offers; ValueError where it breaks `SCHEMA`."""
    reply = json.loads(text)
    if not isinstance(reply, dict) or list(reply) != ["questions"]:
        raise ValueError("a reply with other keys than were asked for")
    questions = reply["questions"]
    if not isinstance(questions, list) or not all(isinstance(text, str) for text in questions):
        raise ValueError("a reply with something that is no question")
    return questions
