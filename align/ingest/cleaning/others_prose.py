"""Words of others without a mark of it: repeated messages, and long impersonal prose."""

import re
from collections.abc import Sequence

from align.ingest.cleaning.context_words import DOES, SELF_WORDS
from align.text.similarity import words

_SHORTEST_REPEAT_WORDS = 5
# Of running prose, so much is words of a language that is known here: else nothing is told.
_KNOWN_GLUE = 0.25
_SELF_SHARE = 0.005
_LONG_SENTENCE_WORDS = 14
_PUBLISHED = re.compile(
    r"©|\(c\) ?\d{4}|\[\d{1,2}\]|\bet al\.|\b(?:[Aa]ll rights reserved|[Rr]ead more|[Ss]ubscribe"
    r"|ISBN|Alle Rechte vorbehalten|tous droits réservés|todos los derechos|tutti i diritti"
    r"|AP|dpa|AFP|Reuters)(?!\w)"
)


def repeats(text: str, others: Sequence[str]) -> bool:
    """Tell whether a message says again, word for word, what another wrote just before.

    Args:
        text: The message.
        others: The last few messages of others.
    """
    return text in others and len(text.split()) >= _SHORTEST_REPEAT_WORDS


def reads_like_others_prose(text: str, longest: int) -> bool:
    """Tell whether a chat message of more words than `longest` reads like a published text.

    Conservative: it must speak of nobody in the first person and either carry a publisher's mark or
    go on in long sentences; who writes long letters keeps them.
    """
    # A word and its blank take two characters at least.
    if len(text) <= 2 * longest or len(tokens := words(text)) <= longest:
        return False
    if sum(word in SELF_WORDS for word in tokens) > _SELF_SHARE * len(tokens):
        return False
    if _PUBLISHED.search(text):
        return True
    known = sum(word in DOES for word in tokens)
    sentences = len(re.findall(r"[.!?…](?:\s|$)", text)) or 1
    return known >= _KNOWN_GLUE * len(tokens) and len(tokens) / sentences >= _LONG_SENTENCE_WORDS
