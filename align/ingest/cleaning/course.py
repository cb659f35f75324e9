"""How a conversation went up to a message, as far as that tells what the message leans on."""

from collections.abc import Sequence

from align.ingest.cleaning.context_bound import Before
from align.ingest.found import Message

# What is answered without words of its own: a reply to it says little without it.
WORDLESS = frozenset({"empty", "media-only", "link-only", "system", "forwarded"})
# An antecedent stands no further back.
_LATELY = 3


class Course:
    """Goes through a conversation message by message.

    Args:
        messages: The conversation.
        reasons: Why each of them is left out, filled up to where the course stands.
    """

    def __init__(self, messages: Sequence[Message], reasons: Sequence[str | None]) -> None:
        self._messages, self._reasons = messages, reasons
        self._places = {each.key: n for n, each in enumerate(messages) if each.key is not None}
        self._next = 0
        self._answered: int | None = None
        self._last_is_owner = False

    def pass_by(self) -> None:
        """Go on to the next message."""
        is_owner = bool(self._messages[self._next].is_owner)
        if not is_owner:
            self._answered = self._next
        self._last_is_owner = is_owner
        self._next += 1

    def before(self) -> Before:
        """Return what stands before the message that comes next."""
        message = self._messages[self._next]
        answered = self._answered
        linked = self._places.get(message.reply_to) if message.reply_to else None
        if linked is not None:
            answered = linked
        return Before(
            someone_spoke=answered is not None,
            answers_wordless=answered is not None and self._reasons[answered] in WORDLESS,
            is_first_answer=not self._last_is_owner or linked is not None,
            link_is_missing=message.reply_to is not None and linked is None,
            # Asked of questions only: it is the dearest of these to find.
            has_antecedent=linked is not None
            or (message.text.endswith("?") and self._has_antecedent()),
        )

    def _has_antecedent(self) -> bool:
        for place in range(max(0, self._next - _LATELY), self._next):
            if self._reasons[place] not in WORDLESS:
                text = self._messages[place].text
                if len(text.split(None, 3)) >= 3:
                    return True
        return False
