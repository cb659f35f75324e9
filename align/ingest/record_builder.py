"""What was found becomes records: cleaned, judged, with a thread and a place."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from align.ingest.cleaning import judge_conversation, judge_document
from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.ownership import OwnerNames
from align.ingest.reader import Reader
from align.levels import Level
from align.owner import Owner
from align.store.ids import split_of
from align.store.records import Record

# Positions between two seconds: more messages than anybody writes in one.
_PLACES = 1_000
# A stretch that never falls silent is cut here, for memory's sake.
LONGEST = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


@dataclass
class Tally:
    """What was read of one export.

    Attributes:
        pieces: Conversations and documents, by source and level.
        words: The owner's words that are learned from, likewise.
        reasons: Records that are left out, by code.
        records: All records.
        own: Those of the owner.
        first: The time of the earliest.
        last: Of the latest.
    """

    pieces: Counter[tuple[str, Level]] = field(default_factory=Counter)
    words: Counter[tuple[str, Level]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    records: int = 0
    own: int = 0
    first: str | None = None
    last: str | None = None

    def count(self, record: Record) -> None:
        """Count one record."""
        self.records += 1
        if record.left_out:
            self.reasons[record.left_out] += 1
        if record.is_owner:
            self.own += 1
            if not record.left_out:
                self.words[record.source, record.level] += len(record.text.split())
        if record.time:
            self.first = min(self.first or record.time, record.time)
            self.last = max(self.last or record.time, record.time)


class RecordBuilder:
    """Makes records of what one export holds.

    Args:
        reader: Who found it.
        owner: Levels, thresholds, how chats are cut.
        me: Who is the owner.
        tally: Takes the counts.
        threads: Takes the last time of each thread, None where there is none.
    """

    def __init__(
        self,
        reader: Reader,
        owner: Owner,
        me: OwnerNames,
        tally: Tally,
        threads: dict[str, str | None],
    ) -> None:
        self._source, self._is_curated = reader.source, reader.is_curated
        self._owner, self._me = owner, me
        self._tally, self._threads = tally, threads
        # Where the last message of each chat's threads stands, and what was said at that moment.
        self._last: dict[tuple[str, str | None], int] = {}
        self._moment: tuple[str, str | None] = ("", None)
        self._said: Counter[str] = Counter()

    def records(self, found: Iterator[Content]) -> Iterator[Record]:
        """Yield the records, those of one chat in a row."""
        silence = timedelta(hours=self._owner.conversations.silence_hours)
        for each in split_conversations(map(self._cleaned, found), silence):
            records = [self._document(each)] if isinstance(each, Document) else self._turns(each)
            for record in records:
                self._tally.count(record)
                yield record

    def _cleaned(self, found: Content) -> Content:
        found.is_owner = self._me.wrote(found)
        text = clean(found.text)
        if found.raw is None and found.text.strip() != text and len(text) < len(found.text) * 0.9:
            found.raw = found.text
        found.text = text
        found.author = clean(found.author)
        return found

    def _document(self, document: Document) -> Record:
        source = document.source or self._source
        level = self._owner.level_of(source)
        self._tally.pieces[source, level] += 1
        time = iso(document.time)
        # Where a file lies names it already; a service's id needs the service's name.
        place = document.key if self._source == "documents" else f"{self._source}/{document.key}"
        self._threads[place] = time
        return Record.new(
            kind="document",
            source=source,
            origin=place,
            thread=place,
            author=document.author,
            is_owner=bool(document.is_owner),
            time=time,
            title=clean(document.title) or None if document.title else None,
            text=document.text,
            raw=document.raw,
            level=level,
            split=split_of(place, self._owner.held_out),
            left_out=document.reason or judge_document(document, self._owner.cleaning),
        )

    def _turns(self, messages: list[Message]) -> list[Record]:
        source = messages[0].source or self._source
        level = self._owner.level_of(source)
        self._tally.pieces[source, level] += 1
        origin = f"{self._source}/{messages[0].chat}"
        thread = messages[0].thread or self._thread_name(messages)
        split = split_of(thread, self._owner.held_out)
        self._threads[thread] = iso(messages[-1].time)
        if self._is_curated:
            reasons = [each.reason or (None if each.text else "empty") for each in messages]
        else:
            reasons = judge_conversation(messages, self._owner.cleaning)
        return [
            self._turn(message, reason, source, origin, thread, level, split)
            for message, reason in zip(messages, reasons, strict=True)
        ]

    def _turn(
        self,
        message: Message,
        reason: str | None,
        source: str,
        origin: str,
        thread: str,
        level: Level,
        split: str,
    ) -> Record:
        time = iso(message.time)
        return Record.new(
            kind="turn",
            source=source,
            origin=origin,
            thread=thread,
            position=self._position(message),
            author=message.author,
            is_owner=bool(message.is_owner),
            time=time,
            title=message.title,
            text=message.text,
            raw=message.raw,
            key=message.key,
            reply_to=message.reply_to,
            nth=None if message.key is not None else self._nth(message, time),
            level=level,
            split=split,  # type: ignore[arg-type]
            left_out=reason,
        )

    def _position(self, message: Message) -> int:
        """Return the place in the chat: by time, and never before what was written before it."""
        where = (message.chat, message.thread)
        place = self._last.get(where, -1) + 1
        if message.time is not None:
            place = max(place, seconds(message.time) * _PLACES)
        self._last[where] = place
        return place

    def _nth(self, message: Message, time: str | None) -> int:
        """Return how many equal texts of the same moment were there before."""
        if self._moment != (message.chat, time):
            self._moment = (message.chat, time)
            self._said.clear()
        self._said[message.text] += 1
        return self._said[message.text] - 1

    def _thread_name(self, messages: list[Message]) -> str:
        first = messages[0]
        begins = iso(first.time) or first.key or self._last.get((first.chat, None), 0)
        name = f"{self._source}/{first.chat}/{begins}"
        while name in self._threads:
            name += "+"
        return name


def split_conversations(
    found: Iterator[Content], silence: timedelta
) -> Iterator[Document | list[Message]]:
    """Yield documents, and messages by conversation.

    A conversation ends where another chat or another thread begins, where the next message comes
    after more than `silence`, or where the clock runs backwards by as much.
    """
    current: list[Message] = []
    for each in found:
        if isinstance(each, Document):
            if current:
                yield current
                current = []
            yield each
        elif current and not _goes_on(current, each, silence):
            yield current
            current = [each]
        else:
            current.append(each)
    if current:
        yield current


def _goes_on(current: list[Message], message: Message, silence: timedelta) -> bool:
    last = current[-1]
    if last.chat != message.chat or last.thread != message.thread or len(current) >= LONGEST:
        return False
    if message.thread is not None or last.time is None or message.time is None:
        return True
    return abs(elapsed(last.time, message.time)) <= silence


def elapsed(earlier: datetime, later: datetime) -> timedelta:
    """Return the time between two moments; one without a zone is read as if it had the other's."""
    if (earlier.tzinfo is None) != (later.tzinfo is None):
        earlier, later = earlier.replace(tzinfo=None), later.replace(tzinfo=None)
    return later - earlier


def iso(time: datetime | None) -> str | None:
    """Write a moment as the store keeps it: in UTC where its zone is known."""
    if time is None:
        return None
    try:
        if time.tzinfo is not None and time.tzinfo is not UTC:
            time = time.astimezone(UTC)
        # Saying what is so anyway would double the time it takes.
        return time.isoformat(timespec="seconds") if time.microsecond else time.isoformat()
    except (OverflowError, ValueError):
        return None


def seconds(time: datetime) -> int:
    """Return a moment as seconds since 1970, without a zone as if it were UTC."""
    since_then = time - (_EPOCH if time.tzinfo is not None else _NAIVE_EPOCH)
    return since_then.days * 86_400 + since_then.seconds
