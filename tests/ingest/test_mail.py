"""Mail: Gmail's and Thunderbird's mbox, maildir, .eml; threads, quotes of what is not there."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from align.ingest.contents import Document, Message
from align.ingest.reader import Options, ReadLog
from align.ingest.readers.mail import READER
from tests.ingest.source_trees import (
    FEW,
    MANY,
    documents,
    messages,
    read_with,
    survives_damage,
    texts,
    write_folder,
    write_zip,
)

ME = Options(me=("ann@example.org",))
INVITED = """\
From: Ann Kessler <ann@example.org>
To: Bob Reed <bob@example.org>
Subject: Supper
Date: Mon, 08 Jan 2024 12:00:00 +0100
Message-ID: <a1@mail.example.org>
Content-Type: text/plain; charset="UTF-8"

Will you come on Friday?

Ann
"""
ANSWERED = """\
From: =?UTF-8?Q?Bob_R=C3=A9ed?= <bob@example.org>
To: Ann Kessler <ann@example.org>
Subject: Re: Supper
Date: Mon, 08 Jan 2024 15:07:00 +0000
Message-ID: <b1@example.org>
In-Reply-To: <a1@mail.example.org>
References: <a1@mail.example.org>
Content-Type: multipart/alternative; boundary="00000000"

--00000000
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

Gladly. At eight? =E2=98=95

On Mon, Jan 8, 2024 at 12:00 PM Ann Kessler <ann@example.org> wrote:

> Will you come on Friday?

--00000000
Content-Type: text/html; charset="UTF-8"

<div>Gladly. At eight?</div>
--00000000--
"""
AGREED = """\
From: Ann Kessler <ann@example.org>
To: Bob Reed <bob@example.org>
Subject: Re: Supper
Date: Mon, 08 Jan 2024 18:30:00 +0100
Message-ID: <a2@mail.example.org>
In-Reply-To: <b1@example.org>
References: <a1@mail.example.org> <b1@example.org>
Content-Type: text/html; charset="UTF-8"

<div dir="ltr">At eight.</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, Jan 8,
2024 at 4:07 PM Bob &lt;<a href="mailto:bob@example.org">bob@example.org</a>&gt; wrote:<br></div>
<blockquote class="gmail_quote"><div>Gladly. At eight?</div></blockquote></div>
"""
LETTER = """\
From: Ann Kessler <ann@example.org>
To: friends@example.org
Subject: From the island
Date: Tue, 09 Jan 2024 09:00:00 -0000
Message-ID: <a3@mail.example.org>

The ferry was late, and then it was not a ferry at all.
"""
LATE_REPLY = """\
From: Ann Kessler <ann@example.org>
To: Cleo Vane <cleo@example.org>
Subject: Re: The boat
Date: Wed, 10 Jan 2024 10:00:00 +0000
Message-ID: <a4@mail.example.org>
In-Reply-To: <lost@example.org>
References: <lost@example.org>

No, I sold it in spring.

On Tue, Jan 9, 2024 at 8:00 AM Cleo Vane <cleo@example.org> wrote:
> Do you still have the boat?
"""
NEWSLETTER = """\
From: Shop <news@shop.example>
To: ann@example.org
Subject: Sale
Date: Wed, 10 Jan 2024 11:00:00 +0000
Message-ID: <n1@shop.example>
List-Unsubscribe: <https://shop.example/u>

Everything must go.
"""


def mbox(*mails: str, labels: tuple[str, ...] = ()) -> str:
    """Join mails as Gmail Takeout does: `\r\n` within, a postmark before each."""
    parts = []
    for number, mail in enumerate(mails):
        label = f"X-Gmail-Labels: {labels[number]}\n" if labels else ""
        parts.append(f"From 17876{number}@xxx Mon Jan 08 12:00:00 +0000 2024\n{label}{mail}\n")
    return "".join(parts).replace("\n", "\r\n")


def at(hour: int, minute: int = 0, day: int = 8, offset: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, minute, tzinfo=timezone(timedelta(hours=offset)))


TAKEOUT = {
    "Takeout/Mail/All mail Including Spam and Trash.mbox": mbox(
        ANSWERED, NEWSLETTER, INVITED, LETTER, AGREED, LATE_REPLY, INVITED.replace("a1@", "a9@"),
        INVITED.replace("a1@", "c1@"),
        labels=("Inbox,Important", "Inbox,Category Promotions", "Sent", "Sent", "Sent,Opened",
                "Sent", "Trash", "Chat"),
    )
}  # fmt: skip
THREAD = "<a1@mail.example.org>"


def golden() -> list[Message | Document]:
    thread = {"chat": THREAD, "thread": THREAD}
    ann = {"author": "Ann Kessler", "author_key": "ann@example.org", "is_owner": True}
    bob = {"author": "Bob Réed", "author_key": "bob@example.org", "is_owner": False}
    lost = {"chat": "<lost@example.org>", "thread": "<lost@example.org>", "title": "Re: The boat"}
    quoted = "On Mon, Jan 8, 2024 at 12:00 PM Ann Kessler <ann@example.org> wrote:"
    shown = "On Mon, Jan 8, 2024 at 4:07 PM Bob <bob@example.org> wrote:"
    boat = "On Tue, Jan 9, 2024 at 8:00 AM Cleo Vane <cleo@example.org> wrote:"
    return [
        Message(
            text="Will you come on Friday?\n\nAnn", time=at(12, offset=1), key=THREAD,
            title="Supper", **thread, **ann,
        ),
        Message(
            text="Gladly. At eight? ☕", time=at(15, 7), key="<b1@example.org>", reply_to=THREAD,
            raw=f"Gladly. At eight? ☕\n\n{quoted}\n\n> Will you come on Friday?",
            title="Re: Supper", **thread, **bob,
        ),
        Message(
            text="At eight.", time=at(18, 30, offset=1), key="<a2@mail.example.org>",
            reply_to="<b1@example.org>", title="Re: Supper", **thread, **ann,
            raw=f"At eight.\n\n{shown}\n\n> Gladly. At eight?",
        ),
        Document(
            key="<a3@mail.example.org>", title="From the island", time=datetime(2024, 1, 9, 9),
            text="The ferry was late, and then it was not a ferry at all.", **ann,
        ),
        Message(
            text="Do you still have the boat?", author="Cleo Vane", author_key="cleo@example.org",
            is_owner=False, **lost,
        ),
        Message(
            text="No, I sold it in spring.", time=at(10, day=10), key="<a4@mail.example.org>",
            reply_to="<lost@example.org>", **lost, **ann,
            raw=f"No, I sold it in spring.\n\n{boat}\n> Do you still have the boat?",
        ),
        Message(
            chat="<n1@shop.example>", thread="<n1@shop.example>", text="", time=at(11, day=10),
            key="<n1@shop.example>", author="Shop", author_key="news@shop.example", title="Sale",
            is_owner=False, reason="system",
        ),
    ]  # fmt: skip


def one(tmp_path: Path, mail: str | bytes, options: Options = ME, name: str = "m.eml"):
    path = write_folder(tmp_path / "one", {name: mail}) / name
    return read_with(READER, path, options)


def body(tmp_path: Path, content: str | bytes, kind: str, more: str = "") -> str:
    about = f"From: Ann <ann@example.org>\nSubject: x\nMessage-ID: <1@x>\n{more}"
    head = f"{about}Content-Type: {kind}\n\n"
    content = content.encode() if isinstance(content, str) else content
    return one(tmp_path, head.encode() + content)[0].text


@pytest.mark.parametrize("as_zip", [False, True])
def test_gmail_takeout_becomes_threads_in_order(tmp_path: Path, as_zip: bool):
    log = ReadLog()
    path = (
        write_zip(tmp_path / "takeout.zip", TAKEOUT)
        if as_zip
        else write_folder(tmp_path / "takeout", TAKEOUT)
    )
    assert read_with(READER, path, log=log) == golden()
    assert not log.problems
    assert log.passed_over == {"spam, trash or drafts": 1, "chat kept as mail": 1}


def test_folders_of_thunderbird_and_of_maildir_are_one_box(tmp_path: Path):
    thunderbird = {
        "Mail/Local Folders/Sent": mbox(INVITED, AGREED, LETTER, LATE_REPLY),
        "Mail/Local Folders/Sent.msf": "// <!-- <mdb:mork:z v='1.4'/> -->",
        "Mail/Local Folders/INBOX": mbox(ANSWERED, NEWSLETTER),
        "Mail/Local Folders/Drafts": mbox(LETTER.replace("a3@", "d@")),
    }
    maildir = {
        "Maildir/Sent/cur/1704711600.M1P1.host:2,S": INVITED,
        "Maildir/Sent/cur/1704735000.M2P1.host:2,RS": AGREED,
        "Maildir/Sent/cur/1704790800.M3P1.host:2,S": LETTER,
        "Maildir/Sent/cur/1704880800.M4P1.host:2,S": LATE_REPLY,
        "Maildir/cur/1704726420.M5P1.host:2,S": ANSWERED,
        "Maildir/new/1704884400.M6P1.host": NEWSLETTER,
        "Maildir/cur/1704884401.M7P1.host:2,ST": LETTER.replace("a3@", "t@"),
    }
    for name, files in (("t", thunderbird), ("m", maildir)):
        log = ReadLog()
        assert read_with(READER, write_folder(tmp_path / name, files), log=log) == golden()
        assert log.passed_over == {"spam, trash or drafts": 1} and not log.problems


def test_apples_mailbox_and_its_single_mails_are_read(tmp_path: Path):
    mbox_folder = {"Sent.mbox/mbox": mbox(LETTER), "Sent.mbox/table_of_contents": b"\x00\x01"}
    assert texts(read_with(READER, write_folder(tmp_path / "a", mbox_folder)))[0].startswith(
        "The f"
    )
    emlx = f"{len(LETTER)}\n{LETTER}<?xml version='1.0'?><plist></plist>"
    assert texts(one(tmp_path, emlx, name="12.emlx"))[0].endswith("at all.")


def test_without_any_sign_nobody_is_the_owner_yet(tmp_path: Path):
    found = messages(one(tmp_path, LATE_REPLY, Options()))
    assert [each.is_owner for each in found] == [None]


def test_the_owner_is_known_by_name_or_address_and_by_all_addresses_that_send(tmp_path: Path):
    other = LETTER.replace("<ann@example.org>", "<kessler@work.example>").replace("a3@", "a7@")
    path = write_folder(tmp_path / "x", {"all.mbox": mbox(LETTER, other)})
    assert len(documents(read_with(READER, path, Options(me=("ann kessler",))))) == 2
    named = mbox(LETTER, other.replace("Ann Kessler", "A. K."), other, labels=("Inbox",) * 3)
    path = write_folder(tmp_path / "y", {"all.mbox": named.replace("a7@", "a8@", 1)})
    assert all(each.is_owner for each in read_with(READER, path, Options(me=("Ann Kessler",))))


def test_what_others_began_and_what_was_answered_are_no_documents(tmp_path: Path):
    path = write_folder(tmp_path / "x", {"all.mbox": mbox(INVITED, ANSWERED)})
    assert len(messages(read_with(READER, path, ME))) == 2


def test_a_reply_without_links_is_filed_by_subject_and_people(tmp_path: Path):
    bare = "From: {}\nTo: {}\nSubject: {}\nDate: Mon, 8 Jan 2024 1{}:00:00 +0000\n\nText {}.\n"
    mails = mbox(
        bare.format("bob@x.org", "ann@example.org", "AW: Re: The  boat", 1, 1),
        bare.format("ann@example.org", "bob@x.org", "Re: The boat", 2, 2),
    )
    found = messages(read_with(READER, write_folder(tmp_path / "x", {"a.mbox": mails}), ME))
    assert len({each.chat for each in found}) == 1
    assert texts(found) == ["Text 1.", "Text 2."]


def test_a_quote_that_two_answers_share_stands_once(tmp_path: Path):
    second = LATE_REPLY.replace("a4@", "a5@").replace("10:00:00", "10:05:00").replace("No, I", "I")
    path = write_folder(tmp_path / "x", {"all.mbox": mbox(LATE_REPLY, second)})
    assert texts(read_with(READER, path, ME)) == [
        "Do you still have the boat?", "No, I sold it in spring.", "I sold it in spring.",
    ]  # fmt: skip


def test_forwarded_mail_is_not_the_owners(tmp_path: Path):
    rest = "---------- Forwarded message ---------\nFrom: Bob <b@x.org>\n\nBob's words."
    head = "From: Ann <ann@example.org>\nSubject: Fwd: x\nMessage-ID: <f@x>\n\n"
    (bare,) = messages(one(tmp_path, head + rest))
    assert (bare.text, bare.reason, bare.raw) == ("", "forwarded", rest)
    assert texts(one(tmp_path, head + "Look at this.\n\n" + rest)) == ["Look at this."]


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied\n",
        "Precedence: bulk\n",
        "List-Unsubscribe: <https://x.example>\n",
        "Content-Type: text/calendar; method=REQUEST\n",
        "Content-Type: multipart/report; boundary=x\n",
    ],
)
def test_what_a_program_sent_is_a_system_line(tmp_path: Path, headers: str):
    (found,) = messages(
        one(tmp_path, f"From: b@x.org\nMessage-ID: <1@x>\n{headers}\nYou are invited.\n")
    )
    assert (found.reason, found.text) == ("system", "")


def test_a_list_on_which_people_talk_is_no_program(tmp_path: Path):
    head = (
        "From: b@x.org\nList-Unsubscribe: <mailto:u@x>\nList-Post: <mailto:boats@x>\n\nHello all."
    )
    assert texts(one(tmp_path, head)) == ["Hello all."]


def test_charsets_are_read_as_declared_and_lies_are_seen_through(tmp_path: Path):
    assert body(tmp_path, "Grüße".encode(), 'text/plain; charset="us-ascii"') == "Grüße"
    assert body(tmp_path, "Grüße".encode(), "text/plain; charset=iso-8859-1") == "Grüße"
    assert body(tmp_path, "Grüße".encode("latin-1"), "text/plain; charset=utf-8") == "Grüße"
    assert body(tmp_path, "привет".encode("koi8-r"), "text/plain; charset=koi8-r") == "привет"
    assert body(tmp_path, "東京".encode("iso-2022-jp"), "text/plain; charset=ISO-2022-JP") == "東京"
    assert body(tmp_path, "联通".encode("gbk"), "text/plain; charset=gb2312") == "联通"
    assert body(tmp_path, "Grüße".encode("cp1252"), "text/plain; charset=x-unknown") == "Grüße"


def test_broken_base64_and_bare_bytes_in_headers_are_survived(tmp_path: Path):
    good = base64.b64encode(b"A fairly long text of the owner's.").decode()
    more = "Content-Transfer-Encoding: base64\n"
    assert body(tmp_path, good[:-3] + "!", "text/plain; charset=utf-8", more).startswith("A fairly")
    mail = "From: Renée <r@x.org>\nSubject: Déjà vu\nMessage-ID: <1@x>\n\nText.".encode()
    (found,) = messages(one(tmp_path, mail))
    assert (found.author, found.title) == ("Renée", "Déjà vu")


def test_the_texts_around_a_picture_are_one_and_attachments_are_no_text(tmp_path: Path):
    parts = "".join(
        f"--b\nContent-Type: {kind}\n\n{text}\n"
        for kind, text in (
            ("text/plain", "Before."), ('image/png; name="a.png"', "xx"), ("text/plain", "After."),
            ('text/plain; name="log.txt"\nContent-Disposition: attachment', "log"),
            ("message/rfc822", "From: c@x.org\n\nSomebody else's."),
        )
    )  # fmt: skip
    assert body(tmp_path, parts + "--b--\n", "multipart/mixed; boundary=b") == "Before.\n\nAfter."


def test_flowed_lines_flow(tmp_path: Path):
    assert body(tmp_path, "One \nline.\nTwo.", "text/plain; format=flowed") == "One line.\nTwo."


def test_a_line_that_begins_with_from_does_not_part_a_mail(tmp_path: Path):
    mails = mbox(
        LETTER.replace("The ferry", ">From the quay.\n\nFrom here on it rained.\nThe ferry")
    )
    (found,) = documents(read_with(READER, write_folder(tmp_path / "x", {"a.mbox": mails}), ME))
    assert found.text.startswith("From the quay.\n\nFrom here on it rained.")


def test_a_learned_signature_is_gone_and_raw_keeps_it(tmp_path: Path):
    signature = "Ann Kessler\nHarbour Office, +49 30 1234567"
    mails = [
        LETTER.replace("a3@", f"s{n}@").replace("at all.", f"at all {n}.\n\n{signature}")
        for n in range(6)
    ]
    found = documents(read_with(READER, write_folder(tmp_path / "x", {"a.mbox": mbox(*mails)}), ME))
    assert all(each.text.endswith(f"at all {n}.") for n, each in enumerate(found))
    assert all(each.raw and each.raw.endswith(signature) for each in found)


def test_a_truncated_box_gives_what_is_whole(tmp_path: Path):
    whole = mbox(INVITED, LETTER)
    path = write_folder(tmp_path / "x", {"all.mbox": whole[: whole.index("The ferry") + 9]})
    assert texts(read_with(READER, path, ME, ReadLog())) == [
        "Will you come on Friday?\n\nAnn",
        "The ferry",
    ]


def test_other_files_are_left_to_others(tmp_path: Path):
    files = {
        "notes.txt": "From here: a note.\n", "README": "From me to you\n\nHello", "new/a.md": "# A",
        "cur/page.html": "<p>x</p>", "a.json": "{}", "LICENSE": "From 2024 on: free.",
    }  # fmt: skip
    assert read_with(READER, write_folder(tmp_path / "x", files)) == []


def test_memory_stays_flat_however_large_the_box(tmp_path: Path):
    import tracemalloc

    attachment = "\n".join([base64.b64encode(b"x" * 57).decode()] * 13_000)
    mail = (
        "From: Ann <ann@example.org>\nMessage-ID: <{}@x>\n"
        "Content-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nMail {}.\n--b\nContent-Type: image/png; name=a.png\n"
        f"Content-Transfer-Encoding: base64\n\n{attachment}\n--b--\n"
    )
    path = tmp_path / "big.mbox"
    with path.open("w") as file:
        for number in range(20):
            file.write(
                f"From 1@xxx Mon Jan 08 12:00:00 +0000 2024\n{mail.format(number, number)}\n\n"
            )
    assert path.stat().st_size > 19_000_000
    tracemalloc.start()
    count = len(read_with(READER, path, ME))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20
    assert peak < 12_000_000


SMALL = {"all.mbox": mbox(AGREED, LATE_REPLY)}


def test_damaged_mail_is_survived(tmp_path: Path):
    survives_damage(READER, SMALL, tmp_path, FEW, options=ME)


@pytest.mark.slow
def test_much_damaged_mail_is_survived(tmp_path: Path):
    survives_damage(READER, {"all.mbox": mbox(LATE_REPLY)}, tmp_path, MANY, options=ME)


def test_times_without_a_zone_stay_as_they_are_and_false_ones_are_none(tmp_path: Path):
    (found,) = documents(one(tmp_path, LETTER))
    assert found.time == datetime(2024, 1, 9, 9)
    (found,) = documents(one(tmp_path, LETTER.replace("Tue, 09 Jan 2024", "Tue, 99 Foo 20244")))
    assert found.time is None
    (found,) = documents(one(tmp_path, LETTER.replace("-0000", "GMT")))
    assert found.time == datetime(2024, 1, 9, 9, tzinfo=UTC)
