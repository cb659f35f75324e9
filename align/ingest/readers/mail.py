"""Mail: mbox (Gmail Takeout, Thunderbird, Apple Mail), maildir, .eml; of the owner and of others.

Mails of a thread lie scattered over an mbox of gigabytes, so the text of each (no attachments) is
put into a temporary file that has no name, and read back thread by thread: memory stays flat, and a
zip is read once, from its beginning to its end.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import IO, Any

from align.errors import UserError
from align.ingest.contents import Content, Document, Message
from align.ingest.formats.dates import seconds
from align.ingest.formats.mail_parts import Mail, mail_of
from align.ingest.formats.mail_text import split_mail
from align.ingest.formats.mail_words import REPLY_SUBJECT
from align.ingest.formats.mailbox import holds_mails, is_passed, is_sent, label_says, mails_in
from align.ingest.reader import Inputs, Options, Reader, ReadLog, claim_together

_CHAIN = 100
_LONGEST_SIGNATURE = 12
_CONTACT = re.compile(r"@|https?://|www\.|\+?\d[\d\s()/.-]{6,}\d|\|")


@dataclass(slots=True)
class _Place:
    root: str
    time: int
    start: int


class Signatures:
    """Learns the signature that a person's mails end with.

    A block is one where it ends at least five mails and a tenth of them, and looks like a
    signature: "Love, Ann" is how the owner ends a letter, and stays.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()
        self._mails = 0

    def learn(self, text: str) -> None:
        """Count the last lines of one mail of the owner's."""
        self._mails += 1
        for _, block in self._blocks(text):
            self._seen[_digest("\n".join(block))] += 1

    def without(self, text: str) -> str:
        """Return the text without the signature that was learned."""
        least = max(5, self._mails // 10)
        starts = [
            start
            for start, block in self._blocks(text)
            if self._seen[_digest("\n".join(block))] >= least
            and (len(block) >= 4 or any(map(_CONTACT.search, block)))
        ]
        # "Love, Ann" may stand above it in every mail: the shortest that is a paragraph is taken.
        apart = [start for start in starts if text[:start].endswith("\n\n")]
        start = apart[-1] if apart else starts[0] if starts else len(text)
        return text[:start].rstrip()

    def _blocks(self, text: str) -> list[tuple[int, list[str]]]:
        # The longest first; the whole mail is no signature.
        blocks: list[tuple[int, list[str]]] = []
        lines = text.split("\n")[-2 * _LONGEST_SIGNATURE :]
        start = len(text)
        block: list[str] = []
        for line in reversed(lines):
            start -= len(line)
            if start <= 0 or len(line) > 100:
                break
            if line.strip():
                block = [line.strip(), *block]
                if len(block) > _LONGEST_SIGNATURE:
                    break
                blocks.append((start, block))
            start -= 1
        return blocks[::-1]


class _MailStore:
    """All mails of an input: their texts in a temporary file, their order in memory."""

    def __init__(self, options: Options) -> None:
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="mail-")  # noqa: SIM115
        except OSError as error:
            raise _full(error) from None
        self.close = self._file.close
        self._me = {name.casefold() for name in options.me}
        self._places: list[_Place] = []
        # By a digest of a Message-ID: the first mail of its thread, as far as the mail itself says.
        self._roots: dict[bytes, str] = {}
        self._answered: set[bytes] = set()
        self._addresses: set[str] = set()
        self._signatures = Signatures()

    def put(self, mail: Mail, sent: bool) -> str | None:
        """Take in one mail; returns why not, where it is passed over."""
        label = label_says(mail.labels)
        if label == "passed" or mail.is_deleted:
            return "spam, trash or drafts"
        if label == "chat":
            # Both sides in one text.
            return "chat kept as mail"
        if mail.kind == "encrypted":
            return "encrypted mail"
        if mail.key is not None and _digest(mail.key) in self._roots:
            return "mail that is there twice"
        is_me = not self._me.isdisjoint((mail.address, mail.author.casefold()))
        owner = sent or label == "sent" or is_me
        if owner and mail.address:
            self._addresses.add(mail.address)
        root = _root(mail)
        if mail.key is not None:
            self._roots[_digest(mail.key)] = root
        self._answered.update(_digest(each) for each in (*mail.references, mail.answers or ""))
        row = _row(mail, owner)
        if row["body"].lstrip().startswith("-----BEGIN PGP MESSAGE-----"):
            return "encrypted mail"
        if owner:
            self._signatures.learn(row["own"])
        self._places.append(_Place(root, seconds(mail.time) if mail.time else 0, self._write(row)))
        return None

    def threads(self) -> Iterator[Content]:
        """Yield what was put, thread by thread, the oldest first."""
        first: dict[str, int] = {}
        for place in self._places:
            place.root = self._resolved(place.root)
            first[place.root] = min(place.time, first.get(place.root, place.time))
        self._places.sort(key=lambda place: (first[place.root], place.root, place.time))
        root, quoted = "", set[str]()
        for place in self._places:
            if place.root != root:
                root, quoted = place.root, set()
            yield from self._contents(self._row(place.start), root, quoted)

    def _contents(self, row: dict[str, Any], chat: str, quoted: set[str]) -> Iterator[Content]:
        is_owner = True if row["owner"] or row["address"] in self._addresses else None
        if is_owner is None and self._addresses:
            # Where nothing tells the owner's addresses, the user is asked.
            is_owner = False
        key, answers, reason = row["key"], row["answers"], row["reason"]
        text = self._signatures.without(row["own"]) if is_owner else row["own"]
        time = datetime.fromisoformat(row["time"]) if row["time"] else None
        raw = row["body"] if row["body"] != text else None
        title = row["subject"] or None
        author, address = row["author"], row["address"] or None
        is_alone = not answers and not row["is_reply"] and not reason
        if is_owner and is_alone and key and _digest(key) not in self._answered:
            yield Document(key, text, title, time, author, address, is_owner, None, raw)
            return
        missing = answers is None or _digest(answers) not in self._roots
        if is_owner and row["quoted"] and missing and (answers or row["quoted"]) not in quoted:
            quoted.add(answers or row["quoted"])
            yield Message(
                chat=chat, author=row["quoted_author"], text=row["quoted"], is_owner=False,
                author_key=row["quoted_address"], title=title, thread=chat,
            )  # fmt: skip
        yield Message(
            chat=chat, author=author, text=text, time=time, key=key, reply_to=answers,
            author_key=address, is_owner=is_owner, reason=reason, raw=raw, title=title, thread=chat,
        )  # fmt: skip

    def _resolved(self, root: str) -> str:
        for _ in range(_CHAIN):
            above = self._roots.get(_digest(root), root)
            if above == root:
                break
            root = above
        return root

    def _write(self, row: dict[str, Any]) -> int:
        start = self._file.tell()
        try:
            self._file.write(json.dumps(row).encode() + b"\n")
        except OSError as error:
            raise _full(error) from None
        return start

    def _row(self, start: int) -> dict[str, Any]:
        self._file.seek(start)
        row: dict[str, Any] = json.loads(self._file.readline())
        return row


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    with closing(_MailStore(options)) as store:
        for name in inputs.names:
            if is_passed(name):
                log.passed("spam, trash or drafts")
                continue
            try:
                for line, data in mails_in(inputs.tree, name):
                    _put(store, data, is_sent(name), inputs.place(name, line), log)
            except UserError as error:
                log.problems.append(error)
        yield from store.threads()


def _put(store: _MailStore, data: bytes, sent: bool, place: str, log: ReadLog) -> None:
    try:
        if reason := store.put(mail_of(data), sent):
            log.passed(reason)
    except UserError:
        raise
    except Exception as error:  # What the standard library raises on broken mails is of many kinds.
        kind = type(error).__name__
        log.problem(place, f"a mail that cannot be read ({kind})", "It was passed over")


def _row(mail: Mail, owner: bool) -> dict[str, Any]:
    is_system = mail.kind == "system" and not owner
    # Newsletters are most of many a mailbox: that they came is kept, their text is nobody's.
    parts = split_mail("" if is_system else mail.body, mail.subject)
    reason = "system" if is_system else None
    if not is_system and not parts.own:
        reason = "forwarded" if parts.is_forward else "quoted" if parts.quoted else None
    return {
        "key": mail.key,
        "answers": mail.answers,
        "author": mail.author,
        "address": mail.address,
        "subject": mail.subject,
        "is_reply": bool(REPLY_SUBJECT.match(mail.subject)),
        "time": mail.time.isoformat() if mail.time else None,
        "own": parts.own,
        "quoted": parts.quoted,
        "quoted_author": parts.author,
        "quoted_address": parts.address,
        "body": "" if is_system else mail.body,
        "owner": owner,
        "reason": reason,
    }


def _root(mail: Mail) -> str:
    if mail.references:
        return mail.references[0]
    if mail.conversation and (mail.key is None or REPLY_SUBJECT.match(mail.subject)):
        return mail.conversation
    if mail.key is not None and not REPLY_SUBJECT.match(mail.subject):
        return mail.key
    people = sorted({mail.address, *mail.others} - {""})
    return " ".join((REPLY_SUBJECT.sub("", mail.subject).casefold(), *people))


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()


def _full(error: OSError) -> UserError:
    what = f"cannot be written ({error.strerror})"
    return UserError(tempfile.gettempdir(), what, "Make room there, or set TMPDIR to another disk")


READER = Reader("mail", "mail", claim_together(holds_mails, "mail"), _read)
