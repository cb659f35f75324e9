"""Rows files: what is said about a message that is only context survives the way."""

from pathlib import Path
from typing import Any

import pytest

from align.conversations.examples.example_rows import REWRITE
from align.errors import UserError
from align.files import jsonl, read_jsonl
from align.training.frozen_rows import freeze, read_packed_sft_rows, read_sft_rows

MESSAGES = [
    {"role": "user", "content": "Coming?"},
    {"role": "assistant", "content": "ok", "train": False},
    {"role": "user", "content": "When?"},
    {"role": "assistant", "content": "After the rain."},
]


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_bytes(jsonl(rows))
    return path


def test_context_stays_context_in_files_packs_and_frozen_rows(root: Path) -> None:
    path = written(root / "rows.jsonl", {"messages": MESSAGES, "source": "whatsapp"})
    rows = read_sft_rows(path, 0.0)
    assert rows[0]["messages"] == MESSAGES
    here = [{"messages": MESSAGES, "source": REWRITE, "record_ids": []}]
    assert [row["messages"] for row in read_packed_sft_rows(path, 0.0, here)] == [MESSAGES] * 2
    frozen = freeze("ann", "sft", rows)
    ((_, kept),) = read_jsonl(frozen.path)
    assert kept["messages"] == MESSAGES
    learned = [{**MESSAGES[1], "train": True}, *MESSAGES[2:]]
    path = written(root / "others.jsonl", {"messages": [MESSAGES[0], *learned]})
    (row,) = read_sft_rows(path, 0.0)
    assert all("train" not in message for message in row["messages"])
    assert freeze("ann", "sft", [row]).hash != frozen.hash


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        (MESSAGES[:2], "its last answer isn't learned"),
        ([{**MESSAGES[0], "train": "no"}, MESSAGES[3]], "'train' must be true or false"),
        (MESSAGES[:1], "the last message isn't the assistant's"),
    ],
)
def test_rows_that_teach_nothing_are_refused(root: Path, messages: Any, what: str) -> None:
    path = written(root / "rows.jsonl", {"messages": messages})
    with pytest.raises(UserError, match=what):
        read_sft_rows(path, 0.0)
