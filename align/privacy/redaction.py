"""Redaction by spans: what is private in a text is replaced, and all else stays as it was."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from align.owner import Owner
from align.privacy.addresses import find_emails, find_ips
from align.privacy.names import Names, StandIns, names_of
from align.privacy.numbers import find_cards, find_ibans
from align.privacy.phones import find_phones, regions_in
from align.privacy.placeholders import Placeholders, placeholders_in
from align.privacy.secret_shapes import find_secrets, has_label
from align.privacy.spans import Kind, Span, covered

__all__ = ["Kind", "Redactor", "Span", "find_spans", "redactor_for"]

# Whatever is private, but a name, has one of these; most messages of a chat have none.
_WORTH_A_LOOK = re.compile(r"[\d@:=_/-]")
# More digits than a time, a price or a date has; and parts of IP addresses.
_MANY_DIGITS = re.compile(r"\d(?:(?:[^\w\n]{0,3}\d){6}|\d{0,2}\.\d{1,3}\.\d)|:[0-9a-fA-F]{0,4}:")
# The shortest key of a service has 13 letters.
_LONG_WORD = re.compile(r"[\w./+-]{13}")
_PASSES = 4

Find = Callable[[str], Iterable[tuple[int, int]]]
# In this order: what an earlier one takes is hidden from the later ones.
_DETECTORS: tuple[tuple[Kind, Find], ...] = (
    ("secret", find_secrets),
    ("e-mail", find_emails),
    ("iban", find_ibans),
    ("card", find_cards),
    ("ip", find_ips),
)


def find_spans(text: str, names: Sequence[str] = ()) -> list[Span]:
    """Return what is private in a text, in order and never overlapping."""
    return _spans(text, *_compiled(tuple(names), ()), regions_in([text]))


class Redactor:
    """Replaces what is private by placeholders that are stable and read naturally.

    Redacting what is redacted changes nothing. Names of people are replaced too; those `kept`, such
    as the owner's, never stand for somebody else's. `counts` are the spans replaced, by kind.
    """

    def __init__(self, names: Iterable[str] = (), kept: Iterable[str] = ()) -> None:
        self._names, self._stand_ins = _compiled(tuple(names), tuple(kept))
        self._no_names = not self._names.listed
        self.counts: Counter[str] = Counter()

    def redact(self, text: str, context: Sequence[str] = ()) -> str:
        """Return a text without what is private in it.

        A value has the placeholder here that it has in the context, which belongs to it.
        """
        if not _is_worth_it(text) and (self._no_names or not self._names.may_be_in(text)):
            return text
        return self._all([*context, text], len(context))[-1]

    def redact_texts(self, texts: Sequence[str]) -> list[str]:
        """Return texts that belong together, redacted: a value has one placeholder in all."""
        return self._all(texts, 0)

    def redact_messages(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return a conversation whose contents are redacted together."""
        contents = [message.get("content") for message in messages]
        texts = iter(self._all([text for text in contents if isinstance(text, str)], 0))
        return [
            {**message, "content": next(texts)} if isinstance(content, str) else dict(message)
            for message, content in zip(messages, contents, strict=True)
        ]

    def _all(self, texts: Sequence[str], first: int) -> list[str]:
        """Redact texts that belong together; those before `first` are not counted."""
        placeholders: Placeholders | None = None
        redacted = []
        regions = regions_in(texts)
        for place, text in enumerate(texts):
            # What replaces one span may, with its neighbours, be another.
            for _ in range(_PASSES):
                spans = _spans(text, self._names, self._stand_ins, regions)
                if not spans:
                    break
                placeholders = placeholders or Placeholders(self._stand_ins, texts)
                text = _replaced(text, spans, placeholders)
                if place >= first:
                    self.counts.update(span.kind for span in spans)
            redacted.append(text)
        return redacted


def redactor_for(owner: Owner) -> Redactor:
    """Return what redacts an owner's texts: with the names that owner.yaml lists."""
    return Redactor(owner.names, kept=(owner.name, *owner.aliases))


@lru_cache(maxsize=32)
def _compiled(names: tuple[str, ...], kept: tuple[str, ...]) -> tuple[Names, StandIns]:
    listed = names_of(names)
    return listed, StandIns(listed, kept)


def _spans(text: str, names: Names, stand_ins: StandIns, regions: frozenset[str]) -> list[Span]:
    spans: list[Span] = []
    seen = text
    if _is_worth_it(text):
        seen = covered(text, placeholders_in(text, stand_ins))
        phones: tuple[Kind, Find] = ("phone", partial(find_phones, regions=regions))
        for kind, find in (*_DETECTORS, phones):
            matches = sorted(find(seen))
            spans += [Span(start, stop, kind) for start, stop in matches]
            seen = covered(seen, matches)
    spans += [Span(start, stop, "name") for start, stop in names.find(seen)]
    return sorted(spans)


def _is_worth_it(text: str) -> bool:
    """Tell whether a detector may find something: times, prices and faces are no reason to look."""
    return _WORTH_A_LOOK.search(text) is not None and (
        "@" in text
        or "=" in text
        or "://" in text
        or "%40" in text
        or _MANY_DIGITS.search(text) is not None
        or _LONG_WORD.search(text) is not None
        or has_label(text)
    )


def _replaced(text: str, spans: Sequence[Span], placeholders: Placeholders) -> str:
    pieces, at = [], 0
    for start, stop, kind in spans:
        pieces += [text[at:start], placeholders.of(kind, text[start:stop])]
        at = stop
    return "".join([*pieces, text[at:]])
