"""The readers, from the most particular to the most general: each claims what those before left.

A new reader is a module here with a `READER` in it, its name in `ORDER`, and a fixture under
`tests/ingest/`.
"""

import importlib

from align.ingest.reader import Reader

ORDER = (
    "telegram", "discord", "slack", "x", "assistants", "whatsapp", "mail", "wordpress",
    "substack", "feed", "subtitles", "jsonl", "dialogues", "table", "transcript", "html",
    "docx", "pdf", "notes",
)  # fmt: skip


def readers() -> list[Reader]:
    """Return the readers in their order."""
    modules = [importlib.import_module(f"{__name__}.{name}") for name in ORDER]
    return [
        reader
        for module in modules
        for reader in (module.READERS if hasattr(module, "READERS") else [module.READER])
    ]
