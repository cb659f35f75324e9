"""Reads one web site politely: robots.txt, one request a second, and nothing twice."""

import hashlib
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser

from align import __version__
from align.errors import UserError
from align.files import write_atomically

AGENT = f"Soundalike/{__version__} (reads its owner's own blog)"
# A page or a feed is smaller.
LARGEST = 20 * 1024**2
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_SILENCE, _WHOLE = 30.0, 180.0
_REDIRECTS, _AGAIN = 5, 2
_BUSY = frozenset({429, 503})
_PORTS = {"http": 80, "https": 443}
_REFUSALS = {
    401: ("asks for a password", "Only what is public is read; use the blog's own export"),
    403: ("refuses programs", "Use the blog's own export, or save its feed in a browser"),
    404: ("no such page", "Look at the address in a browser"),
    410: ("no such page any more", "Look at the address in a browser"),
    429: ("too many requests", "Repeat the command in an hour; what came is kept"),
}
_CONDITIONS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}


class NoAnswer(UserError):
    """A page that the site does not give: HTTP's status, 0 where robots.txt asks not to read it."""

    def __init__(self, where: str, code: int, what: str, remedy: str) -> None:
        super().__init__(where, what, remedy)
        self.code = code


@dataclass(frozen=True)
class Reply:
    """What a site answered."""

    url: str  # where it lay in the end, after redirects
    data: bytes
    kind: str  # its type without parameters: `text/html`


class _Here(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the site looks at each first."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Site:
    """One web site, of which `url` is any page.

    The cache is a folder that keeps what was read, with its ETag; None keeps nothing. UserError: it
    is no address of a web page.
    """

    def __init__(
        self,
        url: str,
        cache: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = checked_url(url)
        self.requests = 0
        self._cache = cache
        self._clock, self._sleep = clock, sleep
        self._last: float | None = None
        self._pause = _PAUSE
        self._robots: RobotFileParser | None = None
        self._opener = urllib.request.build_opener(_Here)

    def holds(self, url: str) -> bool:
        """Tell whether an address is one of this site, with or without `www.`."""
        return _site_of(urlsplit(url)) == _site_of(urlsplit(self.url))

    def allows(self, url: str) -> bool:
        """Tell whether robots.txt lets a page be read."""
        if self._robots is None:
            self._robots = self._read_robots()
            pause = self._robots.crawl_delay(AGENT)
            if pause is not None:
                self._pause = min(max(float(pause), _PAUSE), _LONGEST_PAUSE)
        return self._robots.can_fetch(AGENT, url)

    def get(self, url: str) -> Reply:
        """Return a page, the kept one where the site says that it did not change.

        Raises:
            NoAnswer: The site does not give it, or robots.txt asks not to read it.
            UserError: It cannot be reached, lies on another site, or is too large.
        """
        for _ in range(_REDIRECTS + 1):
            if not self.holds(url):
                parts = urlsplit(url)
                host = parts.netloc.rpartition("@")[2]
                what = f"leads to another site, {parts.scheme}://{host}"
                raise UserError(self.url, what, "If that is yours too, fetch it by its own address")
            if not self.allows(url):
                what = "the site's robots.txt asks programs not to read it"
                raise NoAnswer(url, 0, what, "Allow it there, or use the blog's own export")
            reply = self._ask(url)
            if isinstance(reply, Reply):
                return reply
            url = checked_url(urljoin(url, reply))
        raise UserError(url, "redirects without end", "Look at it in a browser")

    def _read_robots(self) -> RobotFileParser:
        robots = RobotFileParser()
        url = urljoin(self.url, "/robots.txt")
        try:
            reply = self._ask(url)
            if isinstance(reply, str):
                target = checked_url(urljoin(url, reply))
                reply = self._ask(target) if self.holds(target) else Reply(url, b"", "")
            text = reply.data.decode("utf-8-sig", "replace") if isinstance(reply, Reply) else ""
            robots.parse(text.splitlines())
        except NoAnswer as error:
            # RFC 9309: where there is none all is allowed; where the site is ill, nothing.
            robots.parse(["User-agent: *", "Disallow: /"] if error.code >= 500 else [])
        return robots

    def _ask(self, url: str) -> Reply | str:
        """Return the answer to one request, or where it redirects to."""
        kept = self._kept(url)
        headers = {"User-Agent": AGENT, "Accept": "*/*", **(kept[1] if kept else {})}
        for attempt in range(_AGAIN + 1):
            self._wait()
            try:
                with self._opener.open(
                    urllib.request.Request(url, headers=headers), timeout=_SILENCE
                ) as answer:
                    return self._received(url, answer)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 304 and kept:
                        return kept[0]
                    if error.code in (301, 302, 303, 307, 308) and error.headers.get("Location"):
                        return str(error.headers["Location"])
                    if error.code in _BUSY and attempt < _AGAIN:
                        after = error.headers.get("Retry-After") or ""
                        pause = min(float(after), _LONGEST_PAUSE) if after.isdigit() else 5.0
                        self._sleep(pause)
                        continue
                    raise _refusal(url, error.code) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _unreachable(url, error) from None
        raise AssertionError("the last attempt returns or raises")

    def _wait(self) -> None:
        now = self._clock()
        if self._last is not None and (left := self._last + self._pause - now) > 0:
            self._sleep(left)
        self._last = self._clock()
        self.requests += 1

    def _received(self, url: str, answer: Any) -> Reply:
        until = time.monotonic() + _WHOLE
        parts, size = [], 0
        while part := answer.read1(64 * 1024):
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise UserError(url, f"larger than {LARGEST // 1024**2} MB", "Not a page or a feed")
            if time.monotonic() > until:
                raise TimeoutError
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        reply = Reply(url, b"".join(parts), answer.headers.get_content_type())
        conditions = {
            condition: answer.headers[header]
            for condition, header in _CONDITIONS.items()
            if answer.headers[header]
        }
        if self._cache is not None and conditions:
            note = {"url": url, "kind": reply.kind, "conditions": conditions}
            body, about = self._files(self._cache, url)
            about.unlink(missing_ok=True)
            write_atomically(body, reply.data, mode=0o600)
            write_atomically(about, json.dumps(note), mode=0o600)
        return reply

    def _kept(self, url: str) -> tuple[Reply, dict[str, str]] | None:
        if self._cache is None:
            return None
        body, about = self._files(self._cache, url)
        try:
            note = json.loads(about.read_bytes())
            return Reply(url, body.read_bytes(), str(note["kind"])), dict(note["conditions"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def _files(cache: Path, url: str) -> tuple[Path, Path]:
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        return cache / f"{name}.body", cache / f"{name}.json"


def checked_url(url: str) -> str:
    """Return a web page's address without fragment, its host in ASCII; UserError: it is none."""
    url = url.strip()
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme and parts.scheme not in _PORTS:
        raise UserError(url, f"{parts.scheme} is not read", "Name an http or https address")
    if not host or any(c.isspace() or ord(c) < 32 for c in host):
        raise UserError(url or "URL", "not the address of a web page", "Say https://your-blog.org")
    if parts.username is not None or parts.password is not None:
        raise UserError(host, "the address holds a password", "Leave it out")
    try:
        name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        raise UserError(url, "not the name of a host", "Say https://your-blog.org") from None
    if port and port != _PORTS[parts.scheme]:
        name += f":{port}"
    path = urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return urlunsplit((parts.scheme, name, path, query, ""))


def _site_of(parts: SplitResult) -> tuple[str, int]:
    port = parts.port or _PORTS.get(parts.scheme, 0)
    # The two plain ports are one site; any other is another program.
    return (parts.hostname or "").removeprefix("www."), 443 if port == 80 else port


def _refusal(url: str, code: int) -> NoAnswer:
    what, remedy = _REFUSALS.get(code, ("answers with an error", "Try again later"))
    return NoAnswer(url, code, f"{what} ({code})", remedy)


def _unreachable(url: str, error: Exception) -> UserError:
    if isinstance(error, UserError):
        return error
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    host, remedy = urlsplit(url).hostname or url, "Try again later; what came is kept"
    if isinstance(reason, socket.gaierror):
        return UserError(host, "no such host, or no network", "Look at the address's spelling")
    if isinstance(reason, ssl.SSLError):
        return UserError(host, f"no safe connection ({reason.reason})", "Look at it in a browser")
    if isinstance(reason, TimeoutError):
        return UserError(host, "does not answer in time", remedy)
    if isinstance(reason, http.client.IncompleteRead):
        return UserError(url, "the answer broke off", "Repeat the command; what came is kept")
    what = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return UserError(host, f"cannot be reached ({what})", remedy)
