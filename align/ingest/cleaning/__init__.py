"""What of an export is not the owner's voice: one reason for each message, or none.

Each rule stands in a file of its own, as a function from a text to yes or no; here is only in which
order they are asked. The first that takes a message gives it its reason, a code of
`align.ingest.reasons`.
"""

import re
from collections import deque
from collections.abc import Sequence

from align.ingest.cleaning import copied, wordless
from align.ingest.cleaning.context_bound import LONGEST_WORDS, ContextTracker, is_context_bound
from align.ingest.cleaning.languages import other_languages
from align.ingest.contents import Document, Message
from align.owner import Cleaning
from align.text.similarity import words

_JUST_BEFORE = 6
# No message of more characters is short; a longer one is not cut into words to see that.
_SHORT_CHARACTERS = 200
# Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese are written without blanks.
_UNSPACED = re.compile(
    "[\u0e01-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\U00020000-\U00031fff]"
)


def judge_conversation(messages: Sequence[Message], settings: Cleaning) -> list[str | None]:
    """Return for each message why it is left out of training, or None where it is not.

    Args:
        messages: One unbroken conversation, in order, texts cleaned, `is_owner` decided.
        settings: The owner's thresholds.
    """
    reasons = [_sense(message) for message in messages]
    owners = [n for n, each in enumerate(messages) if each.is_owner and reasons[n] is None]
    if settings.languages:
        texts = [messages[n].text for n in owners]
        foreign = dict(zip(owners, other_languages(texts, settings.languages), strict=True))
    else:
        foreign = {}
    lately: deque[str] = deque(maxlen=_JUST_BEFORE)
    course = ContextTracker(messages, reasons)
    for place, message in enumerate(messages):
        if not message.is_owner:
            lately.append(message.text)
        elif reasons[place] is None:
            reasons[place] = (
                _not_the_owners(message.text, lately, settings)
                or ("wrong-language" if foreign.get(place) else None)
                or _says_too_little(message, course, settings)
            )
        course.pass_by()
    return reasons


def judge_document(document: Document, settings: Cleaning) -> str | None:
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
    return "wrong-language" if other_languages([text], settings.languages)[0] else None


def _sense(message: Message) -> str | None:
    """Return why nothing is said in a message, whoever wrote it."""
    text = message.text
    if message.reason:
        return message.reason
    if wordless.is_empty(text):
        return "empty"
    if wordless.is_plainly_said(text):
        return None
    if wordless.is_media_only(text):
        return "media-only"
    if wordless.is_link_only(text):
        return "link-only"
    if wordless.is_system(text):
        return "system"
    return "forwarded" if wordless.is_forwarded(text) else None


def _not_the_owners(text: str, lately: Sequence[str], settings: Cleaning) -> str | None:
    if copied.is_quoted(text):
        return "quoted"
    if (
        copied.is_pasted(text)
        or copied.is_notice(text)
        or copied.repeats(text, lately)
        or copied.reads_like_others_prose(text, settings.longest_message)
    ):
        return "copy-paste"
    return None


def _says_too_little(message: Message, course: ContextTracker, settings: Cleaning) -> str | None:
    text = message.text
    if len(text) > _SHORT_CHARACTERS and settings.shortest_words <= LONGEST_WORDS:
        return None
    tokens = words(text)
    if is_too_short(text, tokens, settings.shortest_words):
        return "too-short"
    if len(tokens) <= LONGEST_WORDS and is_context_bound(text, tokens, course.before()):
        return "context-bound"
    return None


def is_too_short(text: str, tokens: Sequence[str], fewest: int) -> bool:
    """Tell whether a message has fewer different words than `fewest`; emoji and digits are none.

    Where words are written without blanks, two letters count as a word.

    Args:
        text: The message.
        tokens: Its words, as `align.text.similarity.words` takes them.
        fewest: So many words carry a voice.
    """
    different = 0
    for word in set(tokens):
        different += not word.isdigit()
        if different >= fewest:
            return False
    return fewest > 0 and (text.isascii() or len(_UNSPACED.findall(text)) < 2 * fewest)
