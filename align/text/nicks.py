"""Nicks that say in a channel who is spoken to: `bob: try again`. Pure.

A nick is the name of somebody who takes part, in any case and with the underscores and marks that
a service or its user adds (`Bob_`, `bob|away`). A name that the channel uses as a word as well, in
the middle of what is said, is no nick: `Linux: it is free`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# A comma alone on a line is how a letter begins. `nick:)` and `nick :P` are no addresses.
_LEADING = re.compile(
    r"(@?)([^\s:,;@]+)((?:[^\S\n]?[:,;]+(?=[^\S\n]|\Z)|:(?=\w)|[^\S\n]{2,})|(?=\s|\Z))\s*"
)
_TRAILING = re.compile(r"(?:\s*,|\s)\s*(@?)([^\s:,;@]+?)([.!?]*)\s*\Z")
_BARE_NICK = re.compile(r"\w*(?:[\d_|`^\[\]{}-]|[^\W\d_]*[a-z][A-Z])", re.ASCII)
# From this share of the messages on, nicks are how the channel says who is spoken to.
_HABIT = 0.1
_FEWEST_PEOPLE = 3


@dataclass(frozen=True)
class Said:
    """What somebody says without the nicks, and to whom, as `person` names them; "" is nobody."""

    to: str
    text: str


def person(nick: str) -> str:
    """Return what all spellings of a nick have in common."""
    return nick.lstrip("@~").split("|")[0].strip("_`^-").casefold() or nick.casefold()


def without_nicks(messages: Sequence[tuple[str, str]]) -> list[Said] | None:
    """Return what is said to whom in a channel; None where nicks aren't how that is said.

    The messages are (author, text) of one conversation, in order. A person can be spoken to once
    they spoke.
    """
    people = {person(author) for author, _ in messages if author and " " not in author}
    if len(people) < _FEWEST_PEOPLE:
        return None
    nicks = people - _plain_words(messages, people)
    heard: set[str] = set()
    said = []
    for author, text in messages:
        own = person(author)
        said.append(_parted(text, (heard & nicks) - {own}))
        heard.add(own)
    addressed = sum(bool(each.to) for each in said)
    return said if addressed and addressed >= _HABIT * len(said) else None


def _plain_words(messages: Sequence[tuple[str, str]], people: set[str]) -> set[str]:
    """Return the names that stand in the middle of messages more often than before them."""
    counts: Counter[str] = Counter()
    for _, text in messages:
        leads = True
        for token in text.split():
            name = person(token.strip(".,:;!?()\"'@"))
            if name in people:
                counts[name] += -1 if leads else 1
            else:
                leads = False
    return {name for name, count in counts.items() if count > 0}


def _parted(text: str, nicks: set[str]) -> Said:
    """Return a text without the nicks that it begins with, else without the one that ends it."""
    named = list(_leading(text, nicks))
    if named:
        nick, end = named[0][0], named[-1][1]
        return Said(nick, text[end:].strip())
    last = _TRAILING.search(text)
    if last and person(last[2]) in nicks and (last[1] or "," in last[0]):
        return Said(person(last[2]), text[: last.start()] + last[3])
    return Said("", text)


def _leading(text: str, nicks: set[str]) -> Iterator[tuple[str, int]]:
    """Yield the nicks that a text begins with, and where each ends."""
    at = 0
    while match := _LEADING.match(text, at):
        at_sign, nick, mark = match.groups()
        if person(nick) not in nicks or not (mark or at_sign or _BARE_NICK.match(nick)):
            return
        at = match.end()
        yield person(nick), at
