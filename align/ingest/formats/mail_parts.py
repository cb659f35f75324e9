"""One raw mail: its headers as text, its body as plain text, and whether a program wrote it."""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from functools import cached_property

from align.ingest.decoding import decoded
from align.ingest.formats.mail_text import unflowed
from align.ingest.formats.mail_words import ADDRESS
from align.ingest.formats.markup import plain

_IDS = re.compile(r"<[^<>\s]{1,250}>")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_NO_REPLY = re.compile(
    r"(?:no|do\W?not|dont)\W?reply|mailer-daemon|postmaster@|bounces?[@+-]|notifications?@",
    re.IGNORECASE,
)
_SIGNATURES = (
    "gmail_signature", "gmail_signature_prefix", "moz-signature", "apple-signature",
    "protonmail_signature_block", "tutanota_signature",
)  # fmt: skip
_DEPTH = 20
# One word of letters, far longer than a word.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}")
_MANY_BYTES = re.compile(r"iso-?2022|hz|utf-?(?:7|16|32)|gb|big5|euc|shift|s?jis|cp9[345]|ks_c|ms9")
_LATIN = frozenset({"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"})
# More text than this is a file that was pasted or attached.
_MOST = 2 * 1024**2


@dataclass(frozen=True)
class Mail:
    """What a mail says."""

    key: str | None  # its Message-ID; None where it has none
    answers: str | None  # In-Reply-To, else the last of References
    references: tuple[str, ...]  # all it refers to, the thread's first mail first
    author: str  # the display name, or the address where there is none
    address: str  # the address, in small letters
    others: tuple[str, ...]  # the addresses it went to
    subject: str
    time: datetime | None
    kind: str | None  # `system`, `encrypted`, or None: what a person wrote
    labels: str  # Gmail's
    conversation: str  # Gmail's id of the conversation
    is_deleted: bool
    message: Message

    @cached_property
    def body(self) -> str:
        """The whole text, with quotes and signature: read when it is asked for first."""
        return _body(self.message).strip("\n")


def mail_of(data: bytes) -> Mail:
    """Return what a mail says; of a broken one, what can be read.

    `compat32` and not the newer policy: that one raises on headers that are not well-formed.
    """
    message = message_from_bytes(data.lstrip(b"\r\n"), policy=compat32)
    author, address = _sender(message)
    references = tuple(_IDS.findall(_raw(message, "References")))
    answers = _IDS.findall(_raw(message, "In-Reply-To"))
    key = _IDS.search(_raw(message, "Message-ID"))
    fields = [" ".join(_raw(message, name).split())[:20_000] for name in ("To", "Cc")]
    others = [address for field in fields for _, address in getaddresses([field])]
    is_encrypted = message.get_content_type() in (
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    )
    kind = "encrypted" if is_encrypted else "system" if _is_automatic(message, address) else None
    return Mail(
        key=key[0] if key else None,
        answers=answers[0] if answers else references[-1] if references else None,
        references=references or tuple(answers[:1]),
        author=author,
        address=address,
        others=tuple(address.casefold() for address in others if "@" in address),
        subject=header(message, "Subject"),
        time=_time(message),
        kind=kind,
        labels=header(message, "X-Gmail-Labels"),
        conversation=_raw(message, "X-GM-THRID").strip()[:40],
        is_deleted=_is_deleted(message),
        message=message,
    )


def header(message: Message, name: str) -> str:
    """Return a header as people read it; nothing where there is none."""
    return " ".join(_words_of(_raw(message, name)).split())


def _raw(message: Message, name: str) -> str:
    # Through `raw_items`, for bytes outside ASCII come out of `get` as an object that hides them.
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            data = str(value).encode("utf-8", "surrogateescape")
            return (decoded(data) or data.decode("utf-8", "replace"))[:100_000]
    return ""


def _words_of(raw: str) -> str:
    if "=?" not in raw:
        return raw
    try:
        parts = decode_header(raw)
    except Exception:  # Broken base64 raises several kinds.
        return raw
    return "".join(
        part if isinstance(part, str) else _in_charset(part, charset or "ascii")
        for part, charset in parts
    )


def _sender(message: Message) -> tuple[str, str]:
    raw = _raw(message, "From") or _raw(message, "Sender")
    name, address = parseaddr(" ".join(raw.split()))
    if "@" not in address:
        match = ADDRESS.search(raw)
        name, address = (raw[: match.start()], match[0]) if match else (raw, "")
    name = " ".join(_words_of(name).split()).strip("\"'<> ")
    return name or address, address.strip().casefold()


def _time(message: Message) -> datetime | None:
    for raw in (_raw(message, "Date"), _raw(message, "Received").rpartition(";")[2]):
        try:
            time = parsedate_to_datetime(" ".join(raw.split())[:100])
            if 1970 <= time.year < 2100:
                time.isoformat()
                return time
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            continue
    return None


def _is_automatic(message: Message, address: str) -> bool:
    submitted = _raw(message, "Auto-Submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    kinds = {message.get_content_type(), *(part.get_content_type() for part in _inline(message))}
    if message.get_content_type() == "multipart/report" or "text/calendar" in kinds:
        return True
    if _NO_REPLY.search(address):
        return True
    if "mailto:" in _raw(message, "List-Post").lower():
        # A list on which people talk.
        return False
    precedence = _raw(message, "Precedence").strip().lower()
    return bool(message.get("List-Unsubscribe")) or precedence in _BULK


def _is_deleted(message: Message) -> bool:
    # Mozilla keeps deleted mails in the file until it is compacted.
    status = _raw(message, "X-Mozilla-Status").strip()
    try:
        return bool(int(status, 16) & 8) if status else False
    except ValueError:
        return False


def _inline(message: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the parts that a mail shows as its text: no attachments, no mails inside it."""
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        if message.get_content_disposition() != "attachment" and not message.get_filename():
            yield message
    elif message.get_content_maintype() == "multipart" and depth < _DEPTH:
        for part in parts:
            if isinstance(part, Message):
                yield from _inline(part, depth + 1)


def _body(message: Message, depth: int = 0) -> str:
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        return "".join(_text(part) for part in _inline(message))
    if message.get_content_maintype() != "multipart" or depth > _DEPTH:
        return ""
    bodies = [_body(part, depth + 1) for part in parts if isinstance(part, Message)]
    texts = [body for body in bodies if body.strip()]
    if message.get_content_subtype() == "alternative":
        # The plain one stands first, by the standard.
        return texts[0] if texts else ""
    return "\n\n".join(body.strip("\n") for body in texts)


def _text(part: Message) -> str:
    kind = part.get_content_type()
    if kind not in ("text/plain", "text/html"):
        return ""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
        data = _rescued(data)
    charset = part.get_param("charset", "ascii")
    text = _in_charset(data[:_MOST], charset if isinstance(charset, str) else str(charset[2]))
    if kind == "text/html":
        return plain(text, _SIGNATURES)
    text = text.replace("\r\n", "\n")
    if str(part.get_param("format", "")).lower() == "flowed":
        return unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return text


def _rescued(data: bytes) -> bytes:
    """Return base64 that the parser gave back undecoded, for its end is missing, decoded."""
    letters = b"".join(data.split()).rstrip(b"=!")
    if not _BASE64.fullmatch(letters):
        return data
    return b64decode(letters[: len(letters) // 4 * 4])


def _in_charset(data: bytes, charset: str) -> str:
    """Return bytes as text, by the charset that is declared, unless it cannot be true."""
    charset = charset.strip("\"' ").lower()
    # UTF-8 is hardly ever valid by chance, and those that are declared instead lie often; where
    # two bytes make a letter, or escapes do, the declaration is the better witness.
    order = (charset, "utf-8") if _MANY_BYTES.match(charset) else ("utf-8", charset)
    for name in order:
        try:
            return data.decode("cp1252" if name in _LATIN else name)
        except (LookupError, ValueError):
            continue
    return decoded(data) or data.decode("cp1252", "replace")
