"""What a reader yields: messages of conversations, and documents."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Message:
    """One message of a conversation.

    Readers yield the messages of one chat in a row, in the order in which they were written.
    """

    # Names the chat within its source, the same in a newer export: a service's own id where there
    # is one.
    chat: str
    author: str  # who wrote it, as the service shows it; empty where nobody is named
    # What the author typed, as plain text: a service's markup is rendered, quotes and signatures
    # are gone. Empty for a photo without a caption.
    text: str
    # When; with a time zone where the export tells one, else as its clock showed.
    time: datetime | None = None
    # The service's id of the message, unique in its chat and the same in a newer export; None where
    # there is none, and time and place in the chat stand for it.
    key: str | None = None
    reply_to: str | None = None  # the key of the message that this one answers by a link
    # An id, a handle or an address by which the author may be named too.
    author_key: str | None = None
    # Whether the owner wrote it, where the export itself says so; None where the names that the
    # user calls "me" decide.
    is_owner: bool | None = None
    # Why it is left out of training (a code of `align.ingest.reasons`), where only the reader can
    # tell: a system line, a photo, something forwarded.
    reason: str | None = None
    # What the export holds, where `text` is not all of it (quotes, signatures, HTML).
    raw: str | None = None
    title: str | None = None  # the chat's title, as the service shows it
    # What belongs together and is held out together, where the service or the file says it itself
    # (a Slack thread, one conversation with an assistant, one question with its answer). None: a
    # chat is cut where it falls silent.
    thread: str | None = None
    source: str | None = None  # another source than the reader's, for privacy and the mix


@dataclass(slots=True)
class Document:
    """One text that stands for itself: a post, a note, a letter.

    Attributes:
        key: Names it within its source, the same in a newer export: the service's id, an address
            on the web, or where it lies (`Inputs.origin` of its file).
        text: The text, plain or Markdown; no front matter, no title line.
        title: Its title; None where it has none.
        time: When it was written or published.
        author: Who wrote it where that is known to be somebody; empty is the owner.
        author_key, reason, raw: As of a message.
        is_owner: As of a message; a document whose author is not known is the owner's.
        source: Another source than the reader's (`journal`, say).
        is_unpublished: Whether a service says that nobody else has read it: a draft.
    """

    key: str
    text: str
    title: str | None = None
    time: datetime | None = None
    author: str = ""
    author_key: str | None = None
    is_owner: bool | None = None
    reason: str | None = None
    raw: str | None = None
    source: str | None = None
    is_unpublished: bool = False


Content = Message | Document
