"""Messages and documents become records: cleaned, judged, with a thread and a place."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeGuard

from align.ingest.cleaning import judge_conversation, judge_document
from align.ingest.cleaning.prose import prose_of
from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats.dates import elapsed, iso, seconds
from align.ingest.reader import Reader
from align.levels import Level, most_private
from align.owner import Owner
from align.store.ids import split_of
from align.store.records import Record

# Positions between two seconds: more messages than anybody writes in one.
_PLACES = 1_000
# A conversation that never falls silent is cut here, for memory's sake.
LONGEST = 5_000


@dataclass
class Tally:
    """What was read of one input."""

    # Conversations and documents, by source and level.
    pieces: Counter[tuple[str, Level]] = field(default_factory=Counter)
    # The owner's words that are learned from, likewise.
    words: Counter[tuple[str, Level]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # records that are left out, by code
    # What was cut from documents or mended in them, by what it is.
    cut: Counter[str] = field(default_factory=Counter)
    records: int = 0  # all records
    own: int = 0  # those of the owner
    first: str | None = None  # the time of the earliest
    last: str | None = None  # of the latest

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


class OwnerNames:
    """The names, handles and addresses that mean the owner; what case they are in is no matter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._known: dict[tuple[str, str | None], bool] = {}
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Let more names mean the owner."""
        self._names.update(_plain(name) for name in names if name.strip())
        self._known.clear()

    def mean(self, name: str) -> bool:
        """Tell whether a name means the owner."""
        return _plain(name) in self._names

    def wrote(self, content: Content) -> bool:
        """Tell whether the owner wrote it; a document that names no author is the owner's."""
        if content.is_owner is not None:
            return content.is_owner
        if isinstance(content, Document) and not content.author and not content.author_key:
            return True
        who = (content.author, content.author_key)
        answer = self._known.get(who)
        if answer is None:
            answer = self._known[who] = any(name is not None and self.mean(name) for name in who)
        return answer


class RecordBuilder:
    """Makes records of what one input, read by a reader, holds.

    The owner's settings say levels, thresholds and how chats are cut, `me` who is the owner. What
    no service names an author of is open only where it `is_mine`, or owner.yaml says so. The
    tally takes the counts, `threads` the last time of each thread, None where there is none.
    """

    def __init__(
        self,
        reader: Reader,
        owner: Owner,
        me: OwnerNames,
        tally: Tally,
        threads: dict[str, str | None],
        *,
        is_mine: bool = True,
    ) -> None:
        self._source, self._is_curated = reader.source, reader.is_curated
        self._is_unsure = reader.is_catch_all and not is_mine
        self._owner, self._me = owner, me
        self._tally, self._threads = tally, threads
        # The place of the last message of each chat's threads.
        self._last: dict[tuple[str, str | None], int] = {}
        # The chat and time of the last message without a key, and the texts of that moment.
        self._moment: tuple[str, str | None] = ("", None)
        self._texts: Counter[str] = Counter()

    def records(self, contents: Iterator[Content]) -> Iterator[Record]:
        """Yield the records, those of one chat in a row."""
        silence = timedelta(hours=self._owner.conversations.silence_hours)
        for piece in split_conversations(map(self._cleaned, contents), silence):
            records = [self._document(piece)] if isinstance(piece, Document) else self._turns(piece)
            for record in records:
                self._tally.count(record)
                yield record

    def _cleaned(self, content: Content) -> Content:
        content.is_owner = self._me.wrote(content)
        text = clean(content.text)
        if isinstance(content, Document) and not self._is_curated:
            # A poem begins set in: only what is left is stripped.
            text, cut = prose_of(text)
            text = clean(text)
            self._tally.cut += cut
            content.raw = content.raw or (content.text if cut else None)
        if (
            content.raw is None
            and len(text) < len(content.text) * 0.9
            and content.text.strip() != text
        ):
            content.raw = content.text
        content.text = text
        content.author = clean(content.author)
        return _post(content) if _is_post(content) else content

    def _source_of(self, content: Content) -> tuple[str, Level]:
        """Count a conversation or a document; return its source and level."""
        source = content.source or self._source
        level = self._owner.level_of(source)
        is_unpublished = isinstance(content, Document) and content.is_unpublished
        if is_unpublished or (self._is_unsure and source not in self._owner.privacy):
            level = most_private((level, "train-only"))
        self._tally.pieces[source, level] += 1
        return source, level

    def _document(self, document: Document) -> Record:
        source, level = self._source_of(document)
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

    def _turns(self, messages: list[Message]) -> Iterator[Record]:
        source, level = self._source_of(messages[0])
        thread = messages[0].thread or self._thread_name(messages[0])
        split = split_of(thread, self._owner.held_out)
        self._threads[thread] = iso(messages[-1].time)
        if self._is_curated:
            reasons = [
                message.reason or (None if message.text else "empty") for message in messages
            ]
        else:
            reasons = judge_conversation(messages, self._owner.cleaning)
        for message, reason in zip(messages, reasons, strict=True):
            time = iso(message.time)
            yield Record.new(
                kind="turn",
                source=source,
                origin=f"{self._source}/{message.chat}",
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
                split=split,
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
            self._texts.clear()
        self._texts[message.text] += 1
        return self._texts[message.text] - 1

    def _thread_name(self, first: Message) -> str:
        begins = iso(first.time) or first.key or self._last.get((first.chat, None), 0)
        name = f"{self._source}/{first.chat}/{begins}"
        while name in self._threads:
            name += "+"
        return name


def split_conversations(
    contents: Iterator[Content], silence: timedelta
) -> Iterator[Document | list[Message]]:
    """Yield documents, and messages by conversation.

    A conversation ends where another chat or another thread begins, where the next message comes
    after more than `silence`, or where the clock runs backwards by as much.
    """
    current: list[Message] = []
    for content in contents:
        if isinstance(content, Message) and current and _goes_on(current, content, silence):
            current.append(content)
            continue
        if current:
            yield current
        current = []
        if isinstance(content, Document):
            yield content
        else:
            current = [content]
    if current:
        yield current


def _goes_on(current: list[Message], message: Message, silence: timedelta) -> bool:
    last = current[-1]
    if last.chat != message.chat or last.thread != message.thread or len(current) >= LONGEST:
        return False
    if message.thread is not None or last.time is None or message.time is None:
        return True
    return abs(elapsed(last.time, message.time)) <= silence


def _is_post(content: Content) -> TypeGuard[Message]:
    """Tell whether a message is the owner's in a channel that is called as they are: a post."""
    return (
        isinstance(content, Message)
        and bool(content.is_owner)
        and (content.author_key or "").startswith("channel")
        and content.author == content.title
    )


def _post(message: Message) -> Document:
    return Document(
        key=f"{message.chat}/{message.key}",
        text=message.text,
        time=message.time,
        author=message.author,
        is_owner=True,
        reason=message.reason,
        raw=message.raw,
    )


def _plain(name: str) -> str:
    # Phones write names of other people's address books with a tilde, and marks around them.
    return " ".join(name.replace("\u200e", "").lstrip("~ ").split()).casefold()
