"""What of a source is not the owner's voice: one reason for each message, or none.

Here stands the order in which the rules are asked; the first that holds gives the message its
reason, a code of `align.ingest.reasons`.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from align.ingest.cleaning import copied, wordless
from align.ingest.cleaning.context_bound import LONGEST_WORDS, ContextTracker, is_context_bound
from align.ingest.cleaning.languages import other_languages
from align.ingest.contents import Document, Message
from align.owner import Cleaning
from align.text.nicks import without_nicks
from align.text.similarity import words

_JUST_BEFORE = 6
# No message of more characters is short; a longer one is not cut into words to see that.
_SHORT_CHARACTERS = 200
# Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese are written without blanks.
_UNSPACED = re.compile(
    "[\u0e01-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U00031fff]"
)


def judge_conversation(messages: Sequence[Message], thresholds: Cleaning) -> list[str | None]:
    """Return for each message why it is left out of training, or None where it is not.

    The messages are one unbroken conversation, in order, texts cleaned, `is_owner` decided. Nicks
    that say who is spoken to say nothing else.
    """
    said = without_nicks([(message.author, message.text) for message in messages])
    if said is not None:
        messages = [replace(m, text=s.text) for m, s in zip(messages, said, strict=True)]
    reasons = [_sense(message) for message in messages]
    owners = [n for n, message in enumerate(messages) if message.is_owner and reasons[n] is None]
    if thresholds.languages:
        texts = [messages[n].text for n in owners]
        foreign = dict(zip(owners, other_languages(texts, thresholds.languages), strict=True))
    else:
        foreign = {}
    lately: deque[str] = deque(maxlen=_JUST_BEFORE)
    course = ContextTracker(messages, reasons)
    for place, message in enumerate(messages):
        if not message.is_owner:
            lately.append(message.text)
        elif reasons[place] is None:
            reasons[place] = (
                _not_the_owners(message.text, lately, thresholds)
                or ("wrong-language" if foreign.get(place) else None)
                or _says_too_little(message, course, thresholds)
            )
        course.pass_by()
    return reasons


def judge_document(document: Document, thresholds: Cleaning) -> str | None:
    """Return why a document is left out of training, or None where it is not."""
    text = document.text
    if document.reason:
        return document.reason
    if wordless.is_empty(text):
        return "empty"
    if wordless.is_link_only(text):
        return "link-only"
    if copied.is_quoted(text):
        return "quoted"
    if copied.is_pasted(text):
        return "copy-paste"
    return "wrong-language" if other_languages([text], thresholds.languages)[0] else None


def _sense(message: Message) -> str | None:
    """Return why nothing is said in a message, whoever wrote it."""
    text = message.text
    if message.reason:
        return message.reason
    if wordless.is_empty(text):
        return "empty"
    if wordless.is_plainly_words(text):
        return None
    if wordless.is_media_only(text):
        return "media-only"
    if wordless.is_link_only(text):
        return "link-only"
    if wordless.is_system(text):
        return "system"
    return "forwarded" if wordless.is_forwarded(text) else None


def _not_the_owners(text: str, lately: Sequence[str], thresholds: Cleaning) -> str | None:
    if copied.is_quoted(text):
        return "quoted"
    if (
        copied.is_pasted(text)
        or copied.is_notice(text)
        or copied.repeats(text, lately)
        or copied.reads_like_others_prose(text, thresholds.longest_message)
    ):
        return "copy-paste"
    return None


def _says_too_little(message: Message, course: ContextTracker, thresholds: Cleaning) -> str | None:
    text = message.text
    if len(text) > _SHORT_CHARACTERS and thresholds.shortest_words <= LONGEST_WORDS:
        return None
    tokens = words(text)
    if is_too_short(text, tokens, thresholds.shortest_words):
        return "too-short"
    if len(tokens) <= LONGEST_WORDS and is_context_bound(text, tokens, course.before()):
        return "context-bound"
    return None


def is_too_short(text: str, tokens: Sequence[str], fewest: int) -> bool:
    """Tell whether a message has fewer different words than `fewest`; emoji and digits are none.

    Where words are written without blanks, two letters count as a word.
    """
    different = 0
    for word in set(tokens):
        different += not word.isdigit()
        if different >= fewest:
            return False
    return fewest > 0 and (text.isascii() or len(_UNSPACED.findall(text)) < 2 * fewest)
