"""Records of a conversation become speaking turns, as people write: several messages, then theirs.

What of a turn may be learned and what is only context, is decided here, for training examples
and prompts alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from align.conversations.dialogues import dialogues
from align.ingest.formats.dates import elapsed
from align.ingest.reasons import is_context
from align.levels import trainable
from align.owner import Conversations
from align.store.records import Record

# A blank line: every base model knows it, most vocabularies hold it as one token, and a burst
# reads as paragraphs wherever it is shown. A token of its own would have to be learned by an
# adapter that doesn't train embeddings; a spelled-out mark would cost several tokens and count as
# a habit of the owner's; a single newline can't be told from one inside a message.
MESSAGE_BREAK = "\n\n"

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_LONGEST_QUOTE, _MOST_QUOTES = 240, 4
# They leave no gap: a newer text stands in place of one, nobody said the other.
_TRACELESS = ("superseded", "system")


@dataclass(frozen=True)
class SpeakingTurn:
    """What one side says until the other speaks."""

    is_owner: bool  # whether the owner speaks; else all who speak to them
    text: str  # the messages, joined (`join_burst`); what an answer refers to stands quoted before
    records: tuple[Record, ...]  # all that the text is made of, quoted ones included
    is_learned: bool  # whether a model may learn it: the owner's answer to somebody
    starts_anew: bool  # whether nothing that was said before belongs to it


def join_burst(messages: Iterable[str]) -> str:
    """Return several messages as one text; a message's own blank lines become line breaks.

    A message that stands alone keeps its paragraphs.
    """
    texts = [message.strip() for message in messages if message.strip()]
    if len(texts) > 1:
        texts = [_BLANK_LINES.sub("\n", text) for text in texts]
    return MESSAGE_BREAK.join(texts)


def split_burst(answer: str) -> list[str]:
    """Return the messages of a text that a model wrote; an empty one has none."""
    return [message.strip() for message in _BLANK_LINES.split(answer) if message.strip()]


def speaking_turns(records: Sequence[Record], rules: Conversations) -> list[SpeakingTurn]:
    """Return the turns of one conversation; within a stretch they alternate, the owner second.

    A stretch ends where something is missing that may not even be context. What the owner wrote
    without being asked, at a conversation's beginning or later than a burst lasts, is nobody's
    answer: it is quoted before what it was answered with. A channel in which nicks say who is
    spoken to gives the turns of its dialogues, one after another.

    `records` are all of one thread and origin, in order, the left-out ones too.
    """
    return [
        turn for dialogue in dialogues(records) for turn in _Conversation(dialogue, rules).turns()
    ]


def may_stand(record: Record) -> bool:
    """Tell whether a record may be in a conversation, learned or as context."""
    return is_context(record.left_out) and trainable(record.level) and bool(record.text.strip())


class _Conversation:
    """One conversation's records on their way to turns."""

    def __init__(self, records: Sequence[Record], rules: Conversations) -> None:
        self._records = records
        self._is_marked = rules.join == "marker"
        self._burst = timedelta(minutes=rules.burst_minutes)
        self._names = _placeholders(records)
        # An edited message's older texts have its key too; they may not stand.
        self._by_key = {r.key: r for r in records if r.key and may_stand(r)}
        self._quoted: set[str] = set()

    def turns(self) -> Iterator[SpeakingTurn]:
        for is_torn, stretch in _stretches(self._records):
            starts_anew = True
            for records, quoted, is_owner in self._sides(stretch, is_torn):
                yield self._turn(records, quoted, is_owner, starts_anew)
                starts_anew = False

    def _sides(
        self, stretch: list[Record], is_torn: bool
    ) -> Iterator[tuple[list[Record], list[Record], bool]]:
        """Yield (messages, what is quoted before them, whether they are the owner's)."""
        others: list[Record] = []
        unasked: list[Record] = []
        for is_owner, group in groupby(stretch, key=lambda record: record.is_owner):
            if not is_owner:
                others = list(group)
                continue
            for at, burst in enumerate(self._bursts(group)):
                if not others:
                    others = self._linked(burst)
                if others:
                    yield others, [*unasked, *self._referred(burst, others)], False
                    yield burst, [], True
                    others, unasked = [], []
                elif at or not is_torn:
                    unasked = [*unasked, *burst][-_MOST_QUOTES:]
            is_torn = False
        if others:
            yield others, unasked, False

    def _turn(
        self, records: list[Record], quoted: list[Record], is_owner: bool, starts_anew: bool
    ) -> SpeakingTurn:
        # Of one person alone nobody needs to know who speaks: so a twin is asked as well.
        others = {record.author for record in (*records, *quoted) if not record.is_owner}
        names = self._names if len(others) > 1 else {}
        messages = [_attributed(record, names) for record in records]
        text = join_burst(messages) if self._is_marked else "\n".join(map(str.strip, messages))
        lines = [f"> {_short(_attributed(record, names))}" for record in quoted]
        return SpeakingTurn(
            is_owner=is_owner,
            text="\n".join([*lines, text]),
            records=(*quoted, *records),
            is_learned=is_owner and _is_mostly_learned(records),
            starts_anew=starts_anew,
        )

    def _bursts(self, records: Iterable[Record]) -> Iterator[list[Record]]:
        burst: list[Record] = []
        for record in records:
            if burst and self._is_late(burst[-1].time, record.time):
                yield burst
                burst = []
            burst.append(record)
        yield burst

    def _is_late(self, before: str | None, time: str | None) -> bool:
        earlier, later = _moment(before), _moment(time)
        return bool(earlier and later and elapsed(earlier, later) > self._burst)

    def _linked(self, burst: list[Record]) -> list[Record]:
        """Return what somebody said that an unasked burst answers by a link."""
        for target in self._targets(burst):
            if not target.is_owner:
                return [target]
        return []

    def _referred(self, burst: list[Record], others: list[Record]) -> list[Record]:
        """Return what a burst answers by links and was not said right before it, each once."""
        near = {record.id for record in (*others, *burst)}
        targets = [
            target
            for target in self._targets(burst)
            if target.id not in near and target.id not in self._quoted
        ]
        self._quoted.update(record.id for record in targets)
        return targets

    def _targets(self, burst: list[Record]) -> list[Record]:
        keys = dict.fromkeys(record.reply_to for record in burst if record.reply_to)
        return [self._by_key[key] for key in keys if key in self._by_key]


def _attributed(record: Record, names: Mapping[str, str]) -> str:
    name = "" if record.is_owner else names.get(record.author, "")
    return f"{name}: {record.text.strip()}" if name else record.text.strip()


def _stretches(records: Iterable[Record]) -> Iterator[tuple[bool, list[Record]]]:
    """Yield unbroken stretches, and whether something is missing right before each."""
    stretch: list[Record] = []
    is_torn = False
    for record in records:
        if may_stand(record):
            stretch.append(record)
        elif record.left_out not in _TRACELESS and (record.left_out or record.text.strip()):
            if stretch:
                yield is_torn, stretch
            stretch, is_torn = [], True
    if stretch:
        yield is_torn, stretch


def _placeholders(records: Iterable[Record]) -> dict[str, str]:
    """Return `Person A`, `Person B`... for the others, by first appearance; for one alone none."""
    authors = dict.fromkeys(r.author for r in records if not r.is_owner and may_stand(r))
    if len(authors) < 2:
        return {}
    return {author: f"Person {_letters(at)}" for at, author in enumerate(authors)}


def _letters(number: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    rest, last = divmod(number, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + last)


def _is_mostly_learned(records: Iterable[Record]) -> bool:
    learned = context = 0
    for record in records:
        words = len(record.text.split())
        learned += 0 if record.left_out else words
        context += words if record.left_out else 0
    return learned > context


def _short(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _LONGEST_QUOTE:
        return line
    return f"{line[:_LONGEST_QUOTE].rsplit(' ', 1)[0]} …"


def _moment(time: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(time) if time else None
    except ValueError:
        return None
