"""The owner's own public blog into files, which the feeds' reader reads.

Each post becomes an Atom file of one entry under `posts/`; what the site answered is kept beside it
under `.cache/`, so that a second run asks little and takes nothing twice.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from align.files import write_atomically
from align.ingest.fetching.posts import Post, digest_of, listed_posts, with_text
from align.ingest.fetching.site import NoAnswer, Site
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import plain

# As many posts in a row that are known and unchanged are the end of what is new.
_QUIET = 24
# A site in trouble: what it refuses now it may give later.
_ILL = frozenset({429, 500, 502, 503, 504})
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATOM = "http://www.w3.org/2005/Atom"


def fetched_folder(under: Path, site: Site) -> Path:
    """Return where a site's posts are kept: `fetched/<host>` in the owner's folder."""
    host = urlsplit(site.url).netloc.removeprefix("www.")
    return under / "fetched" / re.sub(r"[^a-z0-9.-]", "-", host.lower())


def fetch(
    site: Site, folder: Path, *, limit: int | None = None, report: Callable[[str], None] = print
) -> Counter[str]:
    """Store a blog's posts, newest first, and return how many were new, known, passed over.

    Each post is on disk before the next is asked for, so that what was stopped goes on. At most
    `limit` posts are looked at; `report` is given a line for each. UserError: it is no blog that
    can be read, or the site cannot be reached.
    """
    counts: Counter[str] = Counter()
    finished = folder / ".cache" / "finished"
    was_finished = finished.is_file()
    quiet = 0
    for post in listed_posts(site):
        if limit is not None and counts.total() >= limit:
            return counts
        outcome = _stored(site, folder, post, report)
        counts[outcome] += 1
        quiet = quiet + 1 if outcome == "known" else 0
        if was_finished and quiet >= _QUIET:
            return counts
    write_atomically(finished, site.url + "\n", mode=0o600)
    return counts


def _stored(site: Site, folder: Path, post: Post, report: Callable[[str], None]) -> str:
    name = _file_name(post.url)
    file, stamp = folder / "posts" / f"{name}.atom", folder / ".cache" / f"{name}.stamp"
    was_there = file.is_file()
    if was_there and stamp.is_file() and stamp.read_text("utf-8") == post.stamp:
        return "known"
    if post.is_paid:
        report(f"{post.url}: only for those who pay; Substack's export holds it")
        return "passed over"
    try:
        whole = post if post.html is not None else with_text(site, post)
    except NoAnswer as error:
        if error.code in _ILL:
            raise
        report(str(error))
        return "passed over"
    if whole.html is None or not plain(whole.html):
        report(f"{post.url}: no text in it")
        return "passed over"
    write_atomically(file, _atom(whole), mode=0o600)
    write_atomically(stamp, post.stamp, mode=0o600)
    report(f"{whole.time[:10]} {whole.title or post.url}".strip())
    return "changed" if was_there else "new"


def _atom(post: Post) -> bytes:
    """Return a feed of one entry, as `align.ingest.readers.feed` reads it."""
    feed = ElementTree.Element("feed", xmlns=_ATOM)
    entry = ElementTree.SubElement(feed, "entry")

    def add(parent: ElementTree.Element, tag: str, text: str, **more: str) -> None:
        ElementTree.SubElement(parent, tag, more).text = _UNFIT.sub("", text)

    add(entry, "id", post.url)
    add(entry, "title", post.title)
    ElementTree.SubElement(entry, "link", rel="alternate", href=_UNFIT.sub("", post.url))
    if (time := moment(post.time)) is not None:
        add(entry, "published", time.isoformat())
    if post.author:
        add(ElementTree.SubElement(entry, "author"), "name", post.author)
    add(entry, "content", post.html or "", type="html")
    data: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return data


def _file_name(url: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", urlsplit(url).path.rstrip("/").rpartition("/")[2].lower())
    return f"{words.strip('-')[:60]}-{digest_of(url)[:10]}".strip("-")
