"""What words do in a short reply, in seven languages: a table made of `word_lists.toml`."""

import tomllib
from pathlib import Path

# What a word does; one may do several things.
GLUE = 1  # holds sentences together and says nothing by itself
ANSWER = 2  # yes, no, ok, thanks, haha: answers what was said before
REACTION = 4  # nice, wow, oh: opens a message, and need not answer anything
MOMENT = 8  # names a time that only the day of writing makes clear
POINTING = 16  # points at a place or a thing that the reader must see
ARRANGING = 32  # meeting, eating, coming and going: what people arrange by chat
PRONOUN = 64  # stands for somebody or something named before

_WORD_LISTS = {
    "glue": GLUE,
    "answers": ANSWER,
    "reactions": REACTION,
    "moments": MOMENT,
    "pointing": POINTING,
    "arranging": ARRANGING,
    "pronouns": PRONOUN,
}
# Greetings hold a word that means something else by itself: "guten Morgen", "there is".
_PHRASE_LISTS = {"moment_phrases": MOMENT, "answer_phrases": ANSWER, "greetings": GLUE}

_FILE = Path(__file__).with_suffix(".toml")
_LANGUAGES: dict[str, dict[str, str]] = tomllib.loads(_FILE.read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for lists in _LANGUAGES.values() for word in lists[name].split())


def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for name, does in _WORD_LISTS.items():
        for word in _words(name):
            table[word] = table.get(word, 0) | does
    return table


def _phrases() -> dict[str, list[tuple[tuple[str, ...], int]]]:
    phrases: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for lists in _LANGUAGES.values():
        for name, does in _PHRASE_LISTS.items():
            for phrase in lists[name].split(","):
                words = tuple(phrase.split())
                phrases.setdefault(words[0], []).append((words, does))
    # The longest first: "ich auch nicht" before "ich auch".
    for rows in phrases.values():
        rows.sort(key=lambda row: -len(row[0]))
    return phrases


# By word, and by the first word of each phrase.
DOES = _table()
PHRASES = _phrases()
# "Every Friday" is a habit, not this Friday; "at 7" is a time, "I am 34" is none.
HABITS = _words("habits")
BEFORE_CLOCK = _words("clock")
SELF_WORDS = _words("self_words")
GLUE_OF = {code: frozenset(lists["glue"].split()) for code, lists in _LANGUAGES.items()}
