"""A chat is cut where it falls silent: what lies between two silences is one conversation."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from align.ingest.found import Document, Found, Message

# A stretch that never falls silent is cut here, for memory's sake.
LONGEST = 5_000


def stretches(found: Iterator[Found], silence: timedelta) -> Iterator[Document | list[Message]]:
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
    return abs(since(last.time, message.time)) <= silence


def since(earlier: datetime, later: datetime) -> timedelta:
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


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
