"""The posts that a blog lists, in its feed or in Substack's archive."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from align.errors import UserError
from align.ingest.fetching.site import NoAnswer, Reply, Site
from align.ingest.formats.markup import parsed, plain
from align.ingest.readers.feed import content_of, looks_like_feed, parsed_feed, time_of
from align.ingest.readers.html import page_of, page_text

_FEEDS = ("feed", "rss.xml", "atom.xml", "feed.xml", "index.xml")
_ARCHIVE_PAGE = 12
_MOST_PAGES = 2000
# HTTP's statuses of a page that is not there, and 0 of one that robots.txt forbids.
_ABSENT = (0, 404, 410)
# How the beginning of a post ends.
_CUT = re.compile(
    r"(?:\[?(?:…|\.\.\.)\]?|"
    r"(?:continue reading|read more|weiterlesen|lire la suite|leer más).{0,80})\s*\Z",
    re.IGNORECASE,
)
# What an address is given to count visitors.
_TRACKING = re.compile(r"utm_\w+|source|ref|fbclid")


@dataclass(frozen=True)
class Post:
    """One post, as a feed or an archive names it."""

    url: str  # its address, which is its key
    title: str
    time: str = ""  # when it was published, in ISO 8601; empty where it is not told
    author: str = ""
    html: str | None = None  # its text; None where its page must be read for it
    stamp: str = ""  # changes when the post does
    source: str = ""  # where its text is asked for, if that is not its page
    is_paid: bool = False  # whether only those who pay can read it


def listed_posts(site: Site) -> Iterator[Post]:
    """Yield a blog's posts, newest first, as they are taken; UserError: no feed or archive."""
    seen: set[str] = set()
    for post in _listed(site):
        if post.url not in seen and site.holds(post.url):
            seen.add(post.url)
            yield post


def _listed(site: Site) -> Iterator[Post]:
    if (urlsplit(site.url).hostname or "").endswith(".substack.com"):
        yield from _archived(site)
        return
    reply = site.get(site.url)
    if looks_like_feed(reply.data):
        yield from _fed(site, reply)
        return
    html = page_text(reply.data) or ""
    if "substackcdn.com" in html:
        try:
            yield from _archived(site)
            return
        except NoAnswer:
            # A page that only shows something of Substack's.
            pass
    yield from _fed(site, _feed_of(site, reply.url, html))


def _feed_of(site: Site, url: str, html: str) -> Reply:
    for candidate in _candidates(site, url, html):
        try:
            reply = site.get(candidate)
        except NoAnswer as error:
            if error.code not in _ABSENT:
                raise
            continue
        if looks_like_feed(reply.data):
            return reply
    remedy = "Name the feed's own address, or export the blog"
    raise UserError(site.url, "no feed is found there", remedy)


def _candidates(site: Site, url: str, html: str) -> Iterator[str]:
    tree = parsed(html)
    for link in () if tree is None else tree.xpath("//link[@href and @type]"):
        address = urljoin(url, link.get("href"))
        is_feed = re.match(r"application/(?:rss|atom)\+xml", link.get("type").strip().lower())
        # WordPress names the feed of its comments too.
        about = f"{link.get('title', '')} {link.get('href')}".lower()
        if is_feed and "comment" not in about and site.holds(address):
            yield address
    for base in dict.fromkeys((url if url.endswith("/") else url + "/", urljoin(url, "/"))):
        for name in _FEEDS:
            yield urljoin(base, name)


def _fed(site: Site, reply: Reply) -> Iterator[Post]:
    known: set[str] = set()
    for number in range(2, _MOST_PAGES):
        feed = parsed_feed(reply.data)
        if feed is None or (not feed.entries and feed.bozo):
            raise UserError(reply.url, "a feed that cannot be read", "Look at it in a browser")
        posts = [post for entry in feed.entries if (post := _post_of(reply.url, entry))]
        new = [post for post in posts if post.url not in known]
        yield from new
        known.update(post.url for post in new)
        following = _next_page(reply.url, feed, number)
        # Some systems answer any page with the first one.
        if not new or following is None or not site.holds(following):
            return
        try:
            reply = site.get(following)
        except NoAnswer as error:
            if error.code in _ABSENT:
                return
            raise


def _next_page(url: str, feed: Any, number: int) -> str | None:
    for link in feed.feed.get("links") or []:
        if link.get("rel") == "next" and link.get("href"):
            return urljoin(url, str(link["href"]))
    if "wordpress" not in str(feed.feed.get("generator") or "").lower():
        return None
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("paged", number)])))


def _post_of(base: str, entry: Any) -> Post | None:
    link = str(entry.get("link") or entry.get("id") or "").strip()
    url = urljoin(base, link)
    if not link or not url.startswith(("http://", "https://")):
        return None
    html = content_of(entry)
    is_whole = bool(entry.get("content")) and not _CUT.search(plain(html)[-200:])
    time = time_of(entry)
    title = " ".join(plain(str(entry.get("title") or "")).split())
    return Post(
        url=_bare(url),
        title=title,
        time=time.isoformat() if time else "",
        author=" ".join(str(entry.get("author") or "").split()),
        html=html if is_whole else None,
        stamp=digest_of(title, html, str(entry.get("updated") or "")),
    )


def _archived(site: Site) -> Iterator[Post]:
    for offset in range(0, _MOST_PAGES * _ARCHIVE_PAGE, _ARCHIVE_PAGE):
        query = f"/api/v1/archive?sort=new&offset={offset}&limit={_ARCHIVE_PAGE}"
        rows = _json(site.get(urljoin(site.url, query)))
        if not isinstance(rows, list):
            raise UserError(site.url, "not Substack's archive", "Name its feed: .../feed")
        for row in rows:
            if isinstance(row, dict) and isinstance(row.get("slug"), str):
                yield _post_of_archive(site, row)
        if len(rows) < _ARCHIVE_PAGE:
            return


def _post_of_archive(site: Site, row: dict[str, Any]) -> Post:
    slug, url = str(row["slug"]), row.get("canonical_url")
    if not isinstance(url, str) or not site.holds(url):
        url = urljoin(site.url, f"/p/{slug}")
    writers = [writer for writer in row.get("publishedBylines") or [] if isinstance(writer, dict)]
    title, time = str(row.get("title") or ""), str(row.get("post_date") or "")
    return Post(
        url=_bare(url),
        title=title,
        time=time,
        author=", ".join(str(writer.get("name")) for writer in writers),
        stamp=digest_of(title, time, str(row.get("updated_at") or "")),
        source=urljoin(site.url, f"/api/v1/posts/{slug}"),
        is_paid=row.get("audience") in ("only_paid", "founding"),
    )


def with_text(site: Site, post: Post) -> Post:
    """Return a post with the text of its page."""
    reply = site.get(post.source or post.url)
    if post.source:
        row = _json(reply)
        html = row.get("body_html") if isinstance(row, dict) else None
        return replace(post, html=html if isinstance(html, str) else None)
    from lxml import html as lxml_html

    page = page_of(page_text(reply.data) or "")
    if page.main is None or reply.kind not in ("text/html", "application/xhtml+xml"):
        return post
    time = post.time or (page.time.isoformat() if page.time else "")
    text = lxml_html.tostring(page.main, encoding="unicode", with_tail=False)
    return replace(post, html=text, title=post.title or page.title or "", time=time)


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.data)
    except (ValueError, RecursionError):
        raise UserError(reply.url, "not the JSON that Substack gives", "Name its feed") from None


def _bare(url: str) -> str:
    """Return an address without what counts visitors."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([pair for pair in pairs if not _TRACKING.fullmatch(pair[0])])
    return urlunsplit(parts._replace(query=query, fragment=""))


def digest_of(*texts: str) -> str:
    """Return what stands for texts in names and comparisons."""
    joined = "\0".join(texts).encode("utf-8", "replace")
    return hashlib.sha256(joined).hexdigest()[:32]
