"""Why a record is left out of training: codes, what they mean, and what they leave in its place.

A left-out record is never learned. Some still stand in a conversation as what was said before
(`is_context`), so that a short "ok" does not tear a chat in two; where the others are left out, the
conversation is cut.
"""

from typing import NamedTuple


class Reason(NamedTuple):
    """What a code means, and whether the record may stand in a conversation as context."""

    meaning: str
    is_context: bool


REASONS: dict[str, Reason] = {
    "empty": Reason("nothing in it", False),
    "system": Reason("written by the service or to a bot, not to a person", False),
    "media-only": Reason("a photo, a voice message, a sticker: no words", False),
    "link-only": Reason("nothing but links", True),
    "forwarded": Reason("forwarded or shared: somebody else's words", False),
    "quoted": Reason("mostly somebody else's words", False),
    "copy-paste": Reason("pasted: code, a log, a form, a text of others", False),
    "wrong-language": Reason("not in a language of owner.yaml", True),
    "too-short": Reason("too short to carry a voice", True),
    "context-bound": Reason("makes no sense without what is not there", True),
    "duplicate": Reason("the same text stands elsewhere", False),
    "near-duplicate": Reason("nearly the same text stands elsewhere", False),
    "near-held-out": Reason("nearly the same text is held out for evaluation", False),
    "superseded": Reason("an edited text stands in its place", False),
    "dropped": Reason("the owner dropped it; its text is gone", False),
}


def is_context(left_out: str | None) -> bool:
    """Tell whether a record may stand in a conversation, learned or not."""
    return left_out is None or (left_out in REASONS and REASONS[left_out].is_context)
