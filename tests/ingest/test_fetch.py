"""`align fetch` against a real server on loopback: polite, cached, and one document a post."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.main import get_command

from align.commands.fetch import app
from align.errors import UserError
from align.ingest.fetching.blog import fetch, fetched_folder
from align.ingest.fetching.posts import listed_posts
from align.ingest.fetching.site import AGENT, LARGEST, Site, checked_url
from align.ingest.readers.feed import READER
from align.ingest.readers.html import READER as PAGES
from align.store.connection import open_store
from align.store.records import iter_records
from tests.ingest.source_trees import documents, read_with

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Blog:
    """A server: pages by path, and what was asked of it."""

    url: str = ""
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)
    special: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def answer(self, path: str, tag: str | None) -> Answer:
        self.requests.append(path)
        if path in self.special:
            return self.special[path]
        if path not in self.pages:
            return 404, {}, b"no"
        kind, text = self.pages[path]
        etag = f'"{hash(text)}"'
        if tag == etag:
            return 304, {}, b""
        return 200, {"Content-Type": kind, "ETag": etag}, text.encode()


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def blog(monkeypatch: pytest.MonkeyPatch) -> Iterator[Blog]:
    held = Blog()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.agents.add(self.headers["User-Agent"])
            code, headers, data = held.answer(self.path, self.headers["If-None-Match"])
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield held
        server.shutdown()
        thread.join()


def site_of(blog: Blog, tmp_path: Path, path: str = "/", clock: Clock | None = None) -> Site:
    clock = clock or Clock()
    cache = tmp_path / "blog" / ".cache"
    return Site(blog.url + path, cache, clock=clock, sleep=clock.sleep)


def run(blog: Blog, tmp_path: Path, path: str = "/", **more: int) -> dict[str, int]:
    return dict(fetch(site_of(blog, tmp_path, path), tmp_path / "blog", report=str, **more))


def taken(tmp_path: Path) -> dict[str, str]:
    """Return what ingesting the folder gives: the text of each post by its key."""
    found = documents(read_with(READER, tmp_path / "blog"))
    assert not read_with(PAGES, tmp_path / "blog")
    assert len({each.key for each in found}) == len(found)
    return {each.key: each.text for each in found}


def rss(url: str, *numbers: int, generator: str = "Hugo", whole: bool = True) -> tuple[str, str]:
    items = "".join(
        f"<item><title>Post {n}</title><link>{url}/{n}/?utm_source=rss</link>"
        f"<dc:creator>Ann</dc:creator><guid isPermaLink='false'>id {n}</guid>"
        f"<pubDate>Tue, {n + 1:02} Jan 2024 09:00:00 +0000</pubDate>"
        f"<description>Beginning of {n} ...</description>"
        + (f"<content:encoded>&lt;p&gt;Text of {n}.&lt;/p&gt;</content:encoded>" if whole else "")
        + "</item>"
        for n in numbers
    )
    return "application/rss+xml", (
        '<?xml version="1.0"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<generator>{generator}</generator>{items}</channel></rss>"
    )


def html(body: str, head: str = "") -> tuple[str, str]:
    return "text/html; charset=utf-8", f"<html><head>{head}</head><body>{body}</body></html>"


def test_the_feed_that_the_page_names_is_read_and_each_post_is_one_document(blog, tmp_path):
    links = (
        '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/">'
        '<link rel="alternate" type="application/rss+xml" href="/my-feed">'
    )
    blog.pages = {"/": html("Hi", links), "/my-feed": rss(blog.url, 3, 2, 1)}
    assert run(blog, tmp_path) == {"new": 3}
    assert taken(tmp_path) == {f"{blog.url}/{n}/": f"Text of {n}." for n in (3, 2, 1)}
    assert blog.requests == ["/robots.txt", "/", "/my-feed"]
    assert blog.agents == {AGENT}
    first = documents(read_with(READER, tmp_path / "blog"))[0]
    assert (first.title, first.is_owner, first.author) == ("Post 1", True, "Ann")
    assert first.time and first.time.isoformat() == "2024-01-02T09:00:00+00:00"


@pytest.mark.parametrize("path", ["/feed", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml"])
def test_a_feed_that_no_page_names_is_found_where_feeds_are(blog, tmp_path, path):
    blog.pages = {"/": html("Hi"), path: rss(blog.url, 1)}
    assert run(blog, tmp_path) == {"new": 1}


def test_a_second_run_asks_little_and_takes_nothing_twice(blog, tmp_path):
    blog.pages = {"/feed": rss(blog.url, 2, 1, whole=False)} | {
        f"/{n}/": html(f"<article><h1>Post {n}</h1><p>All of {n}.</p></article>") for n in (1, 2)
    }
    assert run(blog, tmp_path, "/feed") == {"new": 2}
    blog.requests.clear()
    assert run(blog, tmp_path, "/feed") == {"known": 2}
    assert blog.requests == ["/robots.txt", "/feed"]
    blog.pages["/feed"] = rss(blog.url, 3, 2, 1, whole=False)
    blog.pages["/3/"] = html("<article><p>All of 3.</p></article>")
    assert run(blog, tmp_path, "/feed") == {"known": 2, "new": 1}
    assert taken(tmp_path)[f"{blog.url}/3/"] == "All of 3."


def test_a_changed_post_replaces_the_old_one(blog, tmp_path):
    blog.pages = {"/feed": rss(blog.url, 1)}
    run(blog, tmp_path, "/feed")
    kind, text = blog.pages["/feed"]
    blog.pages["/feed"] = kind, text.replace("Text of 1.", "Better text.")
    assert run(blog, tmp_path, "/feed") == {"changed": 1}
    assert list(taken(tmp_path).values()) == ["Better text."]


def test_where_the_feed_holds_beginnings_the_pages_are_read(blog, tmp_path):
    page = "<nav>Home</nav><article><h1>Post 1</h1><p>All of it &amp; more.</p></article>"
    blog.pages = {"/feed": rss(blog.url, 1, 2, whole=False), "/1/": html(page)}
    told: list[str] = []
    counts = fetch(site_of(blog, tmp_path, "/feed"), tmp_path / "blog", report=told.append)
    assert counts == {"new": 1, "passed over": 1}
    assert "no such page (404)" in told[1]
    (text,) = taken(tmp_path).values()
    assert text.endswith("All of it & more.")


def test_wordpress_is_read_page_by_page(blog, tmp_path):
    name = "https://wordpress.org/?v=6.4"
    blog.pages = {
        "/feed": rss(blog.url, 6, 5, generator=name),
        "/feed?paged=2": rss(blog.url, 4, 3, generator=name),
        "/feed?paged=3": rss(blog.url, 2, generator=name),
    }
    assert run(blog, tmp_path, "/feed") == {"new": 5}
    assert blog.requests[-1] == "/feed?paged=4"
    assert run(blog, tmp_path, "/feed", limit=2) == {"known": 2}


def test_atom_is_followed_to_its_next_page_and_a_circle_ends(blog, tmp_path):
    def page(number: int, following: str) -> tuple[str, str]:
        return "application/atom+xml", (
            f'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="{following}"/>'
            f"<entry><id>tag:x,{number}</id><title>Post {number}</title>"
            f'<link href="{blog.url}/{number}"/><content type="html">Text {number}.</content>'
            "</entry></feed>"
        )

    blog.pages = {"/atom": page(2, "/atom?p=2"), "/atom?p=2": page(1, "/atom")}
    assert run(blog, tmp_path, "/atom") == {"new": 2}
    assert blog.requests.count("/atom") == 2


def test_substack_is_read_by_its_archive(blog, tmp_path):
    def row(number: int, audience: str = "everyone") -> dict[str, object]:
        return {
            "id": number, "slug": f"post-{number}", "title": f"Post {number}", "type": "newsletter",
            "post_date": "2024-01-09T09:00:00.000Z", "audience": audience,
            "canonical_url": f"{blog.url}/p/post-{number}", "publishedBylines": [{"name": "Ann"}],
        }  # fmt: skip

    rows = [row(n, "only_paid" if n == 5 else "everyone") for n in range(14)]
    archive = "/api/v1/archive?sort=new&offset={}&limit=12"
    blog.pages = {
        "/": html("Hi", '<link rel="preconnect" href="https://substackcdn.com">'),
        archive.format(0): ("application/json", json.dumps(rows[:12])),
        archive.format(12): ("application/json", json.dumps(rows[12:])),
    } | {
        f"/api/v1/posts/post-{n}": (
            "application/json",
            json.dumps(row(n) | {"body_html": f"<p>Text of {n}.</p>"}),
        )
        for n in range(14)
    }
    assert run(blog, tmp_path) == {"new": 13, "passed over": 1}
    assert taken(tmp_path)[f"{blog.url}/p/post-13"] == "Text of 13."
    assert "/api/v1/posts/post-5" not in blog.requests


def test_robots_txt_is_kept_to(blog, tmp_path):
    blog.pages = {
        "/robots.txt": ("text/plain", "User-agent: *\nDisallow: /2/\nDisallow: /private\n"),
        "/feed": rss(blog.url, 1, 2, whole=False),
        "/1/": html("<p>One.</p>"),
        "/2/": html("<p>Two.</p>"),
    }
    assert run(blog, tmp_path, "/feed") == {"new": 1, "passed over": 1}
    assert "/2/" not in blog.requests
    with pytest.raises(UserError, match=r"robots\.txt"):
        run(blog, tmp_path, "/private")
    blog.pages["/robots.txt"] = ("text/plain", "User-agent: Soundalike\nDisallow: /\n")
    with pytest.raises(UserError, match=r"robots\.txt"):
        run(blog, tmp_path, "/feed")


def test_a_site_whose_robots_txt_is_ill_is_left_alone(blog, tmp_path):
    blog.special["/robots.txt"] = (500, {}, b"")
    blog.pages = {"/feed": rss(blog.url, 1)}
    with pytest.raises(UserError, match=r"robots\.txt"):
        run(blog, tmp_path, "/feed")
    assert blog.requests == ["/robots.txt"]


def test_no_second_holds_two_requests_and_a_longer_pause_is_kept(blog, tmp_path):
    blog.pages = {"/feed": rss(blog.url, *range(1, 9), whole=False)}
    clock = Clock()
    site = site_of(blog, tmp_path, "/feed", clock)
    fetch(site, tmp_path / "blog", report=str)
    assert site.requests == 10 and clock.now == pytest.approx(9.0)
    blog.pages["/robots.txt"] = ("text/plain", "User-agent: *\nCrawl-delay: 7\n")
    clock = Clock()
    site_of(blog, tmp_path, "/feed", clock).get(blog.url + "/feed")
    assert clock.now == pytest.approx(7.0)


def test_a_busy_site_is_waited_for(blog, tmp_path):
    blog.special["/feed"] = (429, {"Retry-After": "9"}, b"")
    clock = Clock()
    with pytest.raises(UserError, match="too many requests"):
        site_of(blog, tmp_path, "/feed", clock).get(blog.url + "/feed")
    assert clock.slept.count(9.0) == 2


def test_redirects_are_followed_on_the_same_site_only(blog, tmp_path):
    blog.pages = {"/feed/": rss(blog.url, 1)}
    blog.special["/feed"] = (301, {"Location": "/feed/"}, b"")
    assert run(blog, tmp_path, "/feed") == {"new": 1}
    blog.special["/away"] = (302, {"Location": "http://localhost:9/feed"}, b"")
    with pytest.raises(UserError, match="another site, http://localhost:9"):
        run(blog, tmp_path, "/away")
    blog.special["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    with pytest.raises(UserError, match="file is not read"):
        run(blog, tmp_path, "/file")
    blog.special["/round"] = (302, {"Location": "/round"}, b"")
    with pytest.raises(UserError, match="redirects without end"):
        run(blog, tmp_path, "/round")


def test_posts_of_other_sites_in_the_feed_are_passed_over(blog, tmp_path):
    kind, text = rss(blog.url, 1)
    blog.pages = {"/feed": (kind, text.replace(f"{blog.url}/1", "https://other.example/1"))}
    assert run(blog, tmp_path, "/feed") == {}


def test_what_is_too_large_is_refused(blog, tmp_path):
    blog.special["/feed"] = (200, {"Content-Type": "text/html"}, b" " * (LARGEST + 1))
    with pytest.raises(UserError, match="larger than 20 MB"):
        run(blog, tmp_path, "/feed")


def test_mistakes_are_told_in_one_line(blog, tmp_path):
    with pytest.raises(UserError, match=r"no such page \(404\)"):
        run(blog, tmp_path, "/nothing")
    blog.pages = {"/": html("Hi")}
    with pytest.raises(UserError, match="no feed is found there"):
        run(blog, tmp_path)
    clock = Clock()
    nowhere = Site("http://no-such-host.invalid", clock=clock, sleep=clock.sleep)
    with pytest.raises(UserError, match=r"no such host|cannot be reached"):
        nowhere.get(nowhere.url)
    closed = Site("http://127.0.0.1:9", clock=clock, sleep=clock.sleep)
    with pytest.raises(UserError, match="cannot be reached"):
        closed.get(closed.url)


@pytest.mark.parametrize(
    "url",
    ["", " ", "ftp://ann.example", "file:///etc/passwd", "http://", "http://a b", "http://x:99999",
     "https://ann:secret@ann.example", "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_only_addresses_of_web_pages_are_read(url):
    with pytest.raises(UserError) as error:
        checked_url(url)
    assert "secret" not in str(error.value)


def test_addresses_are_made_plain():
    assert checked_url("Ann.Example") == "https://ann.example/"
    assert checked_url("http://münchen.example:80/a b?q=ü#x") == (
        "http://xn--mnchen-3ya.example/a%20b?q=%C3%BC"
    )


def test_what_was_stopped_goes_on_where_it_was(blog, tmp_path):
    pages = {f"/{n}/": html(f"<p>All of {n}.</p>") for n in (1, 2, 3)}
    blog.pages = {"/feed": rss(blog.url, 3, 2, 1, whole=False)} | pages

    def stop(line: str) -> None:
        if "Post 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(site_of(blog, tmp_path, "/feed"), tmp_path / "blog", report=stop)
    assert len(taken(tmp_path)) == 2
    blog.requests.clear()
    assert run(blog, tmp_path, "/feed") == {"known": 2, "new": 1}
    assert blog.requests == ["/robots.txt", "/feed", "/1/"]


def test_listing_alone_keeps_nothing(blog, tmp_path):
    blog.pages = {"/feed": rss(blog.url, 2, 1)}
    clock = Clock()
    site = Site(blog.url + "/feed", clock=clock, sleep=clock.sleep)
    assert [post.title for post in listed_posts(site)] == ["Post 2", "Post 1"]
    assert list(tmp_path.iterdir()) == []


def test_a_sites_folder_is_named_by_its_host(tmp_path):
    assert fetched_folder(tmp_path, Site("https://www.ann.example/blog")) == (
        tmp_path / "fetched" / "ann.example"
    )
    assert fetched_folder(tmp_path, Site("http://[::1]:80/")).parent == tmp_path / "fetched"


def test_names_of_posts_never_leave_the_folder(blog, tmp_path):
    kind, text = rss(blog.url, 1)
    blog.pages = {"/feed": (kind, text.replace("/1/", "/%2e%2e/..%2f..%2fetc%2fpasswd"))}
    assert run(blog, tmp_path, "/feed") == {"new": 1}
    (file,) = (tmp_path / "blog" / "posts").iterdir()
    assert ".." not in file.name and "/" not in file.name


def test_the_command_fetches_reads_in_and_says_what_comes_next(blog, root, capsys):
    command = get_command(app)
    blog.pages = {"/feed": rss(blog.url, 2, 1)}
    command([f"{blog.url}/feed", "--owner", "ann", "--dry-run"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == [
        f"2024-01-03  {blog.url}/2/  Post 2",
        f"2024-01-02  {blog.url}/1/  Post 1",
    ]
    assert not (root / "data" / "ann").exists()
    command([f"{blog.url}/feed", "--owner", "ann"], standalone_mode=False)
    said = capsys.readouterr()
    folder = f"data/ann/fetched/{blog.url.removeprefix('http://').replace(':', '-')}"
    assert said.out.startswith(f"{folder}: 2 new, 0 changed, 0 known, 0 passed over\n")
    assert "Stored: 2 new records" in said.out
    assert said.err.endswith("Next: make sft OWNER=ann\n")
    assert {record.source for record in iter_records(open_store("ann"))} == {"blog"}
    assert len(documents(read_with(READER, root / folder))) == 2
