"""Plain questions and answers in nobody's voice: what a twin must not unlearn."""

from pathlib import Path

from align.evaluation.owner_texts import Message
from align.files import read_jsonl
from align.paths import project_root


def neutral_file() -> Path:
    """Return the list that comes with the toolkit."""
    return project_root() / "data" / "prompts" / "neutral.jsonl"


def neutral_conversations() -> list[tuple[Message, ...]]:
    """Return the plain questions with their answers, as conversations."""
    return [
        (
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        )
        for _, row in read_jsonl(neutral_file())
    ]
