"""The scripts of an X archive, and its posts as documents: threads joined, links expanded."""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from align.ingest.contents import Document
from align.ingest.formats.json_data import (
    id_of,
    iso_time,
    json_items,
    list_of,
    number_of,
    object_of,
    objects_of,
    snowflake_time,
    string_of,
)
from align.ingest.reader import Inputs, ReadLog

# Milliseconds from 1970 to the moment from which X's ids count.
_BEGINNING = 1_288_834_974_657
# The first ids that tell their time; before, they were counted.
_TIMED = 30_000_000_000
# `Thu May 02 16:00:00 +0000 2024`; `strptime` would read the names in the user's language.
_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) ([\d:]{8}) ([+-]\d{4}) (\d{4})")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_LINK = re.compile(r"https?://t\.co/\w{1,30}")
_ANY_LINK = re.compile(r"https?://\S+")
_POST = re.compile(
    r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w{1,30}/status(?:es)?/\d+\S*", re.IGNORECASE
)
_MENTIONS = re.compile(r"(?:@\w{1,30}\s+)+")
# A long post's first characters stand in the list of posts, all of it in a list of its own.
_STEM, _SHORTEST_STEM = 40, 100
_CUT = re.compile(r"\s*(?:…|\.\.\.)?(?:\s*https?://t\.co/\w{1,30})*\s*$")


@dataclass(slots=True)
class Post:
    """One post."""

    key: str  # its id; of an edited post, the id of its first version
    version: int  # the id of this version, as a number
    parent: str | None  # the id of the post that it answers
    answers_other: bool  # whether it answers, or is addressed to, somebody else
    text: str  # what the owner wrote
    raw: str | None  # the post as it was shown, where that is more
    reason: str | None  # why it is no writing of the owner's
    time: datetime | None  # when it was written
    stem: str  # its beginning, by which its long form is found


@dataclass(slots=True)
class LongPost:
    """The whole text of a post that is longer than a post once could be."""

    key: str
    text: str
    time: datetime | None


def rows_of(inputs: Inputs, name: str, log: ReadLog) -> Iterator[dict[str, Any]]:
    """Yield the objects of a script, without the one key that wraps each in newer archives."""
    for row in json_items(inputs, name, "item", log, is_script=True):
        inner = next(iter(row.values())) if isinstance(row, dict) and len(row) == 1 else row
        if isinstance(inner, dict):
            yield inner


def time_of(text: object, key: str | None) -> datetime | None:
    """Return when something was written: by its date, or by its id."""
    written = string_of(text)
    match = _DATE.fullmatch(written)
    if match and (month := _MONTHS.find(match[1])) >= 0:
        written = f"{match[5]}-{month // 3 + 1:02}-{match[2]}T{match[3]}{match[4]}"
    moment = iso_time(written, UTC)
    if moment is None and number_of(key) > _TIMED:
        return snowflake_time(key, _BEGINNING)
    return moment


def post_of(row: dict[str, Any], own_id: str | None) -> Post | None:
    """Return the post of a row; None where it is none."""
    key = _id_in(row, "id")
    full = string_of(row.get("full_text")) or string_of(row.get("text"))
    if key is None:
        return None
    parent = _id_in(row, "in_reply_to_status_id")
    other = _id_in(row, "in_reply_to_user_id")
    is_retweet = full.startswith("RT @") or bool(object_of(row.get("retweeted_status")))
    links, media = _links(row)
    full = html.unescape(full)
    written = full if is_retweet else _without_mentions(full, row, bool(parent or other))
    text, whole = _expanded(written, links, media), _expanded(full, links, media)
    reason = "forwarded" if is_retweet else None
    if not is_retweet:
        # A post that it quotes stands as a link at its end.
        start = text.rfind("http")
        if start >= 0 and _POST.fullmatch(text[start:]):
            text = text[:start].rstrip()
        if not _ANY_LINK.sub("", text).strip():
            reason = "link-only" if _ANY_LINK.search(whole) else "media-only" if media else None
            text = text or whole
    stem = _MENTIONS.sub("", full, count=1) if full[:1] == "@" else full
    return Post(
        key=_first_version(row) or key,
        version=number_of(key),
        parent=parent,
        answers_other=bool(other) and other != own_id,
        text=text,
        raw=whole if whole != text else None,
        reason=reason,
        time=time_of(row.get("created_at"), key),
        stem=_one_line(_CUT.sub("", stem)),
    )


def _id_in(row: dict[str, Any], key: str) -> str | None:
    return id_of(row.get(f"{key}_str")) or id_of(row.get(key))


def long_post_of(row: dict[str, Any]) -> LongPost | None:
    """Return the long form of a post; None where a row holds none."""
    key, core = id_of(row.get("noteTweetId")), object_of(row.get("core"))
    if key is None:
        return None
    links = {
        string_of(url.get("shortUrl")): string_of(url.get("expandedUrl"))
        for url in objects_of(core.get("urls"))
    }
    text = _expanded(html.unescape(string_of(core.get("text"))), links, frozenset())
    return LongPost(key, text, time_of(row.get("createdAt"), key))


def documents_of(posts: Iterable[Post], long_posts: Iterable[LongPost]) -> Iterator[Document]:
    """Yield threads and single posts, the oldest first; posts come in any order."""
    newest: dict[str, Post] = {}
    versions: dict[str, str] = {}
    for post in posts:
        versions[str(post.version)] = post.key
        if post.key not in newest or newest[post.key].version < post.version:
            newest[post.key] = post
    left = _put_in(newest.values(), long_posts)
    threads: dict[str, list[Post]] = defaultdict(list)
    root_of: dict[str, str] = {}
    for post in sorted(newest.values(), key=lambda post: number_of(post.key)):
        parent = versions.get(post.parent or "")
        # An answer to oneself comes later than what it answers.
        root_of[post.key] = root_of.get(parent or "", post.key)
        threads[root_of[post.key]].append(post)
    documents = [_thread(thread) for thread in threads.values()]
    documents += [Document(post.key, post.text, time=post.time, is_owner=True) for post in left]
    yield from sorted(documents, key=lambda post: number_of(post.key))


def _thread(posts: list[Post]) -> Document:
    first = posts[0]
    reason = first.reason
    if reason is None and (first.answers_other or first.parent is not None):
        reason = "context-bound"
    elif reason in ("link-only", "media-only") and any(post.reason is None for post in posts):
        reason = None
    text = "\n\n".join(post.text for post in posts if post.text.strip())
    raw = "\n\n".join(post.text if post.raw is None else post.raw for post in posts)
    is_all = all(post.raw is None for post in posts)
    time, raw_or_none = first.time, None if is_all else raw
    return Document(first.key, text, time=time, is_owner=True, reason=reason, raw=raw_or_none)


def _put_in(posts: Iterable[Post], long_posts: Iterable[LongPost]) -> list[LongPost]:
    """Give posts their long forms; return the long forms that belong to none."""
    by_stem: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        if len(post.stem) >= _SHORTEST_STEM:
            by_stem[post.stem[:_STEM]].append(post)
    left = []
    for long_post in long_posts:
        whole = _one_line(long_post.text)
        # The links of a stem may be short ones.
        near = [p for p in by_stem[whole[:_STEM]] if whole.startswith(_LINK.split(p.stem)[0])]
        if near:
            post = min(near, key=lambda p: abs(p.version - number_of(long_post.key)))
            post.text, post.raw = long_post.text, None
        else:
            left.append(long_post)
    return left


def _links(row: dict[str, Any]) -> tuple[dict[str, str], frozenset[str]]:
    """Return what the short links of a post stand for, and which of them are its pictures."""
    entities = object_of(row.get("entities"))
    media = objects_of(entities.get("media"))
    media += objects_of(object_of(row.get("extended_entities")).get("media"))
    links = {
        string_of(entity.get("url")): string_of(entity.get("expanded_url"))
        for entity in objects_of(entities.get("urls"))
    }
    return links, frozenset(string_of(entity.get("url")) for entity in media)


def _expanded(text: str, links: Mapping[str, str], media: frozenset[str]) -> str:
    def expand(match: re.Match[str]) -> str:
        return "" if match[0] in media else links.get(match[0]) or match[0]

    return "\n".join(line.rstrip() for line in _LINK.sub(expand, text).split("\n")).strip()


def _without_mentions(text: str, row: dict[str, Any], is_answer: bool) -> str:
    """Return an answer without the names before it, which X puts there."""
    match = _MENTIONS.match(text)
    if match is None or not is_answer:
        return text
    text_range = list_of(row.get("display_text_range"))
    start = number_of(id_of(text_range[0])) if text_range else match.end()
    return text[start:] if 0 < start <= match.end() else text


def _first_version(row: dict[str, Any]) -> str | None:
    edits = object_of(row.get("edit_info"))
    initial = id_of(object_of(edits.get("edit")).get("initialTweetId"))
    known = list_of(object_of(edits.get("initial")).get("editTweetIds"))
    return initial or (id_of(known[0]) if known else None)


def _one_line(text: str) -> str:
    return " ".join(text.split())
