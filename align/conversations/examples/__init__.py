"""Records and rewrites become conversations that a twin is trained on, the owner as assistant.

A chat stays a chat, with as much of what was said before as fits; a document becomes one titled
piece and, where it is longer than a row may be, continuations that are cut at paragraph and
sentence ends, and its passages may become answers, too; a rewrite is the answer to its pair's
prompt.
"""

from align.conversations.examples.asked import QUESTIONS
from align.conversations.examples.building import build_examples
from align.conversations.examples.cutting import cut_at_paragraph_ends, cut_at_sentence_ends
from align.conversations.examples.documents import (
    CONTINUATION_PROMPT,
    DATED_PROMPT,
    DOCUMENT_PROMPT,
    document_rows,
)
from align.conversations.examples.example_rows import (
    TRAINED_LEVELS,
    CountTokens,
    Row,
    estimated_tokens,
)
from align.conversations.examples.example_statistics import ExampleStatistics
from align.conversations.examples.rewrites import REWRITE, rewrite_rows

__all__ = [
    "CONTINUATION_PROMPT",
    "DATED_PROMPT",
    "DOCUMENT_PROMPT",
    "QUESTIONS",
    "REWRITE",
    "TRAINED_LEVELS",
    "CountTokens",
    "ExampleStatistics",
    "Row",
    "build_examples",
    "cut_at_paragraph_ends",
    "cut_at_sentence_ends",
    "document_rows",
    "estimated_tokens",
    "rewrite_rows",
]
