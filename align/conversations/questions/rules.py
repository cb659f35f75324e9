"""Questions by rule, from a heading, a title and the first sentence, and which is answered."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from align.conversations.examples.cutting import sentences
from align.conversations.questions.passages import Passage
from align.text.function_words import FUNCTION_WORDS, INTERJECTIONS, content_stems

# At least this share of what a question asks about is spoken of in the passage.
LEAST_OVERLAP = 0.5
_LONGEST_TOPIC = 8
_VOICE = FUNCTION_WORDS | INTERJECTIONS
_NOTED = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_WORDS_OF_NOTE = 5
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|\d+|[.,;:!?()]")
_WH = re.compile(r"(how|why|what|where|when|who)\b(?! (?:to|not)\b)(.*\b(?:i|we|my|me)\b.*)", re.I)
_HOW_TO = re.compile(r"how (?:not )?to\b.*", re.I)
# No title of anybody's: what a program called a file.
_NO_TITLE = re.compile(
    r"(?:untitled|draft|note|document|post|img|scan|page|chapter|part)?[\W\d_]*", re.I
)
# Nor is whom a letter is to a topic: `To J. Hall, in York`, `To Ann and Bob`; `To Build a Fire` is.
_ADDRESSEE = re.compile(r"To (?:(?:[A-Z(][\w.'\u2019)-]*|and|in|the|of|de|von),?(?:\s+|\Z))+\Z")
_TURNED = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are",
    "we": "you", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
    "i'm": "you're", "i've": "you've", "i'd": "you'd", "i'll": "you'll", "was": "were",
}  # fmt: skip


@dataclass(frozen=True)
class Phrases:
    """How a language asks about something; `phrases.toml` says what each field is."""

    about: list[str]
    more: list[str]
    determiners: str
    openers: list[str]
    capital_nouns: bool = False


_FILE = Path(__file__).with_name("phrases.toml")
PHRASES = {
    language: Phrases(**table)
    for language, table in tomllib.loads(_FILE.read_text("utf-8")).items()
}


def candidates(
    title: str | None, passage: Passage, document: str, language: str = "en"
) -> list[str]:
    """Return questions that the passage may answer, the most particular first.

    None of them is checked; `best_answered` tells which one the passage answers. What all of the
    `document` speaks of twice is a thing one can ask about. A language without phrases gets
    English.
    """
    phrases = _varied(PHRASES.get(language, PHRASES["en"]), passage.text)
    questions: list[str] = []
    for text in (passage.heading, title):
        if text:
            english = language not in PHRASES or language == "en"
            questions += _of_title(text, phrases, english=english)
    topic = _topic(passage.heading or title or "", phrases) or _topic(title or "", phrases)
    for phrase in _noun_phrases(passage.text, document, phrases):
        if topic and not content_stems(phrase) & content_stems(topic):
            questions += [form.format(phrase, topic) for form in phrases.more]
        questions.append(phrases.about[0].format(phrase))
    return list(dict.fromkeys(questions))


def notes(passage: str) -> str:
    """Return what an English passage is about: the first content words of each sentence.

    The words that carry a voice are gone: function words, interjections, punctuation.
    """
    found = []
    for sentence in sentences(passage):
        content = [word for word in _NOTED.findall(sentence) if word.casefold() not in _VOICE]
        # An initial or a number alone says nothing.
        if len(content) > 1:
            found.append(" ".join(content[:_WORDS_OF_NOTE]))
    return "; ".join(found)


def overlap(question: str, passage: str) -> float:
    """Return the share of the question's content words that stand in the passage, 0 to 1.

    A question without any ("How are you?") is answered by everything, and so by nothing: 0.
    """
    stems = content_stems(question)
    return len(stems & content_stems(passage)) / len(stems) if stems else 0.0


def best_answered(questions: Iterable[str], passage: str) -> tuple[str, float] | None:
    """Return the question that the passage answers best, the first of equals, and its overlap.

    None where it answers none of them well enough.
    """
    shares = [(question, overlap(question, passage)) for question in questions]
    best = max(shares, key=lambda share: share[1], default=None)
    return best if best is not None and best[1] >= LEAST_OVERLAP else None


def _of_title(title: str, phrases: Phrases, *, english: bool) -> Iterator[str]:
    plain = " ".join(title.split()).strip("*_` ")
    if plain.endswith("?"):
        yield plain
        return
    bare = plain.rstrip(".!…: ")
    if english and (_WH.fullmatch(bare) or _HOW_TO.fullmatch(bare)):
        yield f"Can you tell me {_lowered(_turned(bare))}?"
        return
    topic = _topic(plain, phrases)
    if topic:
        yield from (form.format(topic) for form in phrases.about)


def _topic(title: str, phrases: Phrases) -> str | None:
    """Return what a title is about, as it stands inside a sentence; None where it says nothing."""
    plain = " ".join(title.split()).strip("*_` ").rstrip(".!?…: ")
    for opener in phrases.openers:
        if plain.casefold().startswith(f"{opener} "):
            plain = plain[len(opener) + 1 :]
            break
    if (
        _NO_TITLE.fullmatch(plain)
        or _ADDRESSEE.match(plain)
        or len(plain.split()) > _LONGEST_TOPIC
        or not content_stems(plain)
    ):
        return None
    turned = _turned(plain)
    return turned if phrases.capital_nouns else _lowered(turned)


def _noun_phrases(text: str, document: str, phrases: Phrases, most: int = 2) -> list[str]:
    """Return things that the first sentence names and the document names again.

    Without a grammar a noun is what follows a determiner; that it recurs tells it from a verb.
    """
    first = _SENTENCE_END.split(text.strip(), maxsplit=1)[0]
    tokens = _WORD.findall(first)
    spoken = f" {' '.join(_WORD.findall(document.casefold()))} "
    determiners = phrases.determiners.split()
    nouns = []
    for at, token in enumerate(tokens[:-1]):
        if token.casefold() not in determiners:
            continue
        for length in (3, 2, 1):
            run = tokens[at + 1 : at + 1 + length]
            noun = " ".join(run).casefold()
            if all(map(content_stems, run)) and spoken.count(f" {noun} ") > 1:
                nouns.append(_turned(" ".join([token.lower(), *run])))
                break
    return list(dict.fromkeys(nouns))[:most]


def _varied(phrases: Phrases, text: str) -> Phrases:
    """Begin with another form for another passage, so that a model learns more than one."""
    turn = len(text) % len(phrases.about)
    return replace(phrases, about=phrases.about[turn:] + phrases.about[:turn])


def _turned(text: str) -> str:
    """Turn the first person into the second: of "how I bake", "how you bake"."""
    words = [_TURNED.get(word.casefold(), word) for word in text.split()]
    # "was" is only turned where "you" stands beside it.
    for at, word in enumerate(words):
        if word in ("were", "are") and text.split()[at].casefold() in ("was", "am"):
            beside = words[max(0, at - 1) : at] + words[at + 1 : at + 2]
            if "you" not in beside:
                words[at] = text.split()[at]
    return " ".join(words)


def _lowered(text: str) -> str:
    """Write a title's first word small, and all of them where every word begins with a capital."""
    words = text.split()
    capitals = [word for word in words if word[:1].isupper()]
    small = [word for word in words if word[:1].islower()]
    if len(capitals) > 1 and not any(content_stems(word) for word in small):
        return " ".join(w if w.isupper() and len(w) > 1 else w.lower() for w in words)
    if words and not (words[0].isupper() and len(words[0]) > 1):
        words[0] = words[0][:1].lower() + words[0][1:]
    return " ".join(words)
