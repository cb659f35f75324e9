"""What Telegram Desktop's JSON says of a message, as one of ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from align.ingest.found import Message

# What stands in a message that is more than its text.
_MEDIA = frozenset(
    [
        "photo",
        "file",
        "media_type",
        "contact_information",
        "contact_vcard",
        "location_information",
        "place_name",
        "poll",
        "todo_list",
        "game_title",
        "invoice_information",
        "giveaway_information",
        "giveaway_results",
        "story_id",
        "live_location_period_seconds",
        "self_destruct_period_seconds",
        "paid_stars_amount",
    ]
)


@dataclass
class Chat:
    """What stands in a chat before and beside its messages.

    Attributes:
        messages: How many there are; not counted in an export of one chat.
    """

    name: str | None = None
    type: str = ""
    id: int | None = None
    messages: int = 0

    def key(self, fallback: str) -> str:
        """Return what names the chat in a newer export too."""
        return str(self.id) if self.id is not None else self.type or self.name or fallback

    def keep(self, key: str, value: Any) -> None:
        """Take what an export says of the chat, if it is of its type."""
        if key == "id" and is_id(value):
            self.id = value
        elif key == "name" and isinstance(value, str):
            self.name = value
        elif key == "type" and isinstance(value, str):
            self.type = value


def is_id(value: Any) -> bool:
    """Tell whether a value of JSON is a whole number, which True is not."""
    return type(value) is int


def messages_of(
    items: Iterator[Any], chat: Chat, fallback: str, owner: int | None
) -> Iterator[Message]:
    """Yield the messages of one chat.

    Args:
        items: What stands in its list of messages, whatever it is.
        chat: What names it.
        fallback: Its key where nothing names it.
        owner: The account's id, where the export tells it.
    """
    key, title = chat.key(fallback), chat.name
    is_notes = chat.type == "saved_messages"
    if is_notes:
        title = title or "Saved Messages"
    me = None if owner is None else f"user{owner}"
    for item in items:
        if type(item) is not dict:
            continue
        get = item.get
        number = get("id")
        found = Message(
            key,
            "",
            "",
            _time(get("date_unixtime"), get("date")),
            str(number) if type(number) is int else None,
        )
        found.title = title
        if get("type") == "message":
            _fill(found, item, me, is_notes)
        else:
            found.reason = "media-only" if get("type") == "unsupported" else "system"
        yield found


def _fill(found: Message, item: dict[str, Any], me: str | None, is_notes: bool) -> None:
    get = item.get
    text = get("text")
    if type(text) is str:
        found.text = text
    else:
        _render(found, text if type(text) is list else get("text_entities"))
    author, author_key = get("from"), get("from_id")
    if type(author_key) is int:  # As exports had it until 2021.
        author_key = f"user{author_key}"
    if type(author_key) is str:
        found.author_key = author_key
        if author_key.startswith("channel") and type(get("author")) is str:
            # Who signed a channel's post.
            author = item["author"]
        if me is not None and author_key.startswith("user"):
            found.is_owner = author_key == me
    if type(author) is str:
        found.author = author
    reply = get("reply_to_message_id")
    if type(reply) is int and "reply_to_peer_id" not in item:
        found.reply_to = str(reply)
    if "forwarded_from" in item or "via_bot" in item:
        found.reason = "forwarded"
    elif not found.text or found.text.isspace():
        if not found.reason and not _MEDIA.isdisjoint(item):
            found.reason = "media-only"
    elif is_notes:
        found.is_owner = True


def _render(found: Message, parts: Any) -> None:
    """Write the text of strings and entities; what is marked as a quote is somebody else's."""
    whole, own = [], []
    for part in parts if type(parts) is list else ():
        text = part.get("text") if type(part) is dict else part
        if type(text) is not str:
            continue
        whole.append(text)
        if type(part) is not dict or part.get("type") != "blockquote":
            own.append(text)
    found.text = "".join(own)
    if len(own) < len(whole):
        found.raw = "".join(whole)
        if not found.text.strip():
            found.text, found.reason = found.raw, "quoted"


def _time(unix: Any, local: Any) -> datetime | None:
    """Return when it was: in UTC, or by the clock that older exports alone tell."""
    try:
        if type(unix) is str or type(unix) is int:
            return datetime.fromtimestamp(int(unix), UTC)
        if type(local) is str:
            return datetime.fromisoformat(local)
    except (ValueError, OverflowError, OSError):
        pass
    return None
