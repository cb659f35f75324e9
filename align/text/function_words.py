"""Classes of English words that carry style rather than content, and the words that are left."""

import tomllib
from importlib.resources import files

from align.text.similarity import words

_WORDS = tomllib.loads(files("align.text").joinpath("function_words.toml").read_text("utf-8"))
_LISTED = {key: frozenset(listed.split()) for key, listed in _WORDS.items() if key != "hedges"}
ARTICLES = _LISTED["articles"]
FIRST_PERSON = _LISTED["first_person"]
SECOND_PERSON = _LISTED["second_person"]
CONJUNCTIONS = _LISTED["conjunctions"]
PREPOSITIONS = _LISTED["prepositions"]
AUXILIARIES = _LISTED["auxiliaries"]
NEGATIONS = _LISTED["negations"]
DEMONSTRATIVES = _LISTED["demonstratives"]
INTENSIFIERS = _LISTED["intensifiers"]
HEDGES = tuple(_WORDS["hedges"])
OTHER_FUNCTION_WORDS = _LISTED["other_function_words"]
FUNCTION_WORDS = (
    ARTICLES | FIRST_PERSON | SECOND_PERSON | CONJUNCTIONS | PREPOSITIONS | AUXILIARIES
    | NEGATIONS | DEMONSTRATIVES | INTENSIFIERS | OTHER_FUNCTION_WORDS
)  # fmt: skip
INTERJECTIONS = _LISTED["interjections"]
QUESTION_WORDS = _LISTED["question_words"]
# Words that questions are made of: to repeat one is not to answer.
_QUESTION_VOCABULARY = _LISTED["question_vocabulary"]
_NO_CONTENT = (
    FUNCTION_WORDS | INTERJECTIONS | _QUESTION_VOCABULARY | {w for h in HEDGES for w in h.split()}
)
_ENDINGS = ("ingly", "edly", "ings", "ing", "ies", "ied", "est", "ers", "er", "es", "ed", "ly",
            "s", "e", "y")  # fmt: skip


def stem(word: str) -> str:
    """Cut the commonest endings, so that forms of a word meet; three letters are always kept.

    A letter that was doubled before the ending is single again: running, run.
    """
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that say what a text is about."""
    return frozenset(stem(w) for w in words(text) if w not in _NO_CONTENT and len(w) > 2)
