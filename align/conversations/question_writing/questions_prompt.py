"""What Claude is told when it writes questions: a text file that one can read and edit.

`recipes/prompts/questions.md` holds the words; here is only what they are filled with.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.claude.prompt_file import PromptFile, Wanted, shipped

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}

_SECTIONS = {
    "shared": Wanted(frozenset({"count"})),
    "passage": Wanted(frozenset({"passage"})),
}


@dataclass(frozen=True)
class QuestionsPrompt:
    """What Claude is told, as a file says it.

    Attributes:
        file: The file.
    """

    file: PromptFile

    @classmethod
    def read(cls, path: Path | None = None) -> "QuestionsPrompt":
        """Return the prompt of a file; without one, the shipped one.

        Raises:
            UserError: The file can't be read, lacks a section or a placeholder, or has one that
                nobody fills.
        """
        return cls(PromptFile.read(path or shipped("questions"), _SECTIONS))

    @property
    def text(self) -> str:
        """Return the whole file."""
        return self.file.text

    def shared(self, count: int) -> str:
        """Return what all passages are asked with.

        Args:
            count: How many questions at most.
        """
        asked = "one" if count == 1 else f"up to {count}"
        return self.file.filled("shared", {"count": asked})

    def passage(self, text: str) -> str:
        """Return how one passage is shown; it can't close the tags that hold it."""
        return self.file.filled("passage", {"passage": self.file.material(text)})


def parse(text: str) -> list[str]:
    """Return the questions that a reply offers.

    Raises:
        ValueError: It is anything but what `SCHEMA` says.
    """
    said = json.loads(text)
    if not isinstance(said, dict) or list(said) != ["questions"]:
        raise ValueError("a reply with other keys than were asked for")
    questions = said["questions"]
    if not isinstance(questions, list) or not all(isinstance(each, str) for each in questions):
        raise ValueError("a reply with something that is no question")
    return questions
