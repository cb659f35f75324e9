"""Read the topics of the demo world and say which words belong to which of them.

`topics.txt` has one block of phrases for each topic. A block opens with ``key | name | do | did |
doing``; the lines after it name a slot and give its phrases, separated by semicolons. All is in
British spelling and without contractions: the voice decides about both. ``good`` and ``bad`` are
whole clauses, ``tip`` is an imperative, ``slip`` a gerund, ``once`` a past verb phrase without
its subject, ``part`` begins with "the".
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from align.demo.lexicon import COMMON_WORDS

SLOTS = ("is", "tool", "part", "place", "good", "bad", "tip", "slip", "once", "rival")
DISTINCTIVE_IN = 3
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@dataclass(frozen=True)
class Topic:
    """Hold one topic: how it is named, done and told, and its phrases by slot."""

    key: str
    name: str
    do: str
    did: str
    doing: str
    phrases: dict[str, tuple[str, ...]]

    def text(self) -> str:
        """Return all phrases in one string."""
        heads = (self.name, self.do, self.did, self.doing)
        # What a topic is compared with belongs to another topic.
        own = (" ".join(v) for slot, v in self.phrases.items() if slot != "rival")
        return " ".join((*heads, *own))


def words(text: str) -> list[str]:
    """Split a text into lower-case words."""
    return _WORD.findall(text.lower())


@cache
def stem(word: str) -> str:
    """Cut the commonest endings, so that 'loaves' aside, forms of a word meet."""
    word = word.removesuffix("'s")
    for ending in ("ing", "ies", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _parse(block: str) -> Topic:
    head, *lines = block.strip().splitlines()
    key, name, do, did, doing = (part.strip() for part in head.split("|"))
    phrases = {}
    for line in lines:
        slot, _, rest = line.partition(":")
        phrases[slot] = tuple(part.strip() for part in rest.split(";"))
    if tuple(phrases) != SLOTS:
        raise ValueError(f"topic {key}: slots {tuple(phrases)} are not {SLOTS}.")
    return Topic(key, name, do, did, doing, phrases)


@cache
def blocks() -> str:
    """Return the data as it is written."""
    return Path(__file__).with_name("topics.txt").read_text(encoding="utf-8")


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic, in the order of the data."""
    return tuple(_parse(block) for block in blocks().strip().split("\n\n"))


@cache
def topic(key: str) -> Topic:
    """Return the topic of that key; KeyError where none has it."""
    return {t.key: t for t in topics()}[key]


@cache
def topic_stems(key: str) -> frozenset[str]:
    """Return the stems of a topic's content words."""
    return frozenset(
        stem(w) for w in words(topic(key).text()) if w not in COMMON_WORDS and len(w) > 2
    )


@cache
def _shared() -> Counter[str]:
    return Counter(s for t in topics() for s in topic_stems(t.key))


@cache
def distinctive(key: str) -> frozenset[str]:
    """Return the stems that few topics share, those of the topic's own name included."""
    own = frozenset(stem(w) for w in words(topic(key).name) if w not in COMMON_WORDS)
    return own | frozenset(s for s in topic_stems(key) if _shared()[s] <= DISTINCTIVE_IN)


@cache
def topic_words() -> frozenset[str]:
    """Return all content words of all topics as they are written, for masking in a judge."""
    content_words = {w for t in topics() for w in words(t.text())}
    content_words |= {w for t in topics() for p in t.phrases["rival"] for w in words(p)}
    return frozenset(w for w in content_words if w not in COMMON_WORDS and len(w) > 2)


@cache
def _topics_of_stem() -> dict[str, tuple[str, ...]]:
    index: dict[str, tuple[str, ...]] = {}
    for t in topics():
        for word_stem in distinctive(t.key):
            index[word_stem] = (*index.get(word_stem, ()), t.key)
    return index


def hits(text: str) -> Counter[str]:
    """Count, for each topic, the different stems of a text that are distinctive for it."""
    index = _topics_of_stem()
    return Counter(
        key for word_stem in {stem(w) for w in words(text)} for key in index.get(word_stem, ())
    )


def on_topic(key: str, text: str) -> bool:
    """Say whether a text speaks of this topic, and of no other more than of it."""
    counts = hits(text)
    return counts[key] > 0 and counts[key] == max(counts.values())


@cache
def topic_of(prompt: str) -> str | None:
    """Return the topic that a prompt speaks of, or None where it names none."""
    lowered = " ".join(words(prompt))
    padded = f" {lowered} "
    mentions = [
        (padded.index(f" {form.lower()} "), -len(form), t.key)
        for t in topics()
        for form in (t.name, t.doing, t.do, t.did)
        if f" {form.lower()} " in padded
    ]
    if mentions:
        # "Is chess better than playing cards?" names its subject first.
        return min(mentions)[2]
    ranked = hits(prompt).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
