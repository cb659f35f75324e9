"""The readers, from the most particular to the most general: each takes what the ones before left.

A new reader is one file here with a `READER` in it, its name in this row, and a fixture under
`tests/ingest/`.
"""

import importlib

from align.ingest.reader import Reader

ORDER = (
    "telegram",
    "discord",
    "slack",
    "x",
    "chatgpt",
    "claude",
    "whatsapp",
    "mail",
    "wordpress",
    "substack",
    "feed",
    "subtitles",
    "jsonl",
    "dialogues",
    "table",
    "transcript",
    "html",
    "docx",
    "pdf",
    "notes",
)


def readers() -> list[Reader]:
    """Return the readers in their order."""
    return [importlib.import_module(f"{__name__}.{name}").READER for name in ORDER]
