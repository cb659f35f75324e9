"""HTTP/1.1 over asyncio streams: requests in, responses out, connections kept alive."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found"}


class Received(NamedTuple):
    """One request as it came; header names in lower case, the path with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Response:
    """One response."""

    status: int = 200  # HTTP's
    body: bytes | Iterator[bytes] = b""  # as it is, or in pieces, which go out chunked
    # beside those that say how long the body is
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # ends the connection halfway through the body
    dropped: bool = False  # ends the connection before anything is written


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Return the next request of a connection; raises IncompleteReadError at its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {}
    for line in head[1:-2]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)


async def write_response(writer: asyncio.StreamWriter, response: Response) -> bool:
    """Write a response and say whether the connection goes on."""
    if response.dropped:
        writer.transport.abort()
        return False
    body = response.body
    chunked = "transfer-encoding: chunked"
    length = f"content-length: {len(body)}" if isinstance(body, bytes) else chunked
    head = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Error')}", length]
    head += [f"{name}: {value}" for name, value in response.headers.items()]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
    if isinstance(body, bytes):
        writer.write(body[: len(body) // 2] if response.cut else body)
    else:
        await _write_chunks(writer, body, cut=response.cut)
    await writer.drain()
    return not response.cut


async def _write_chunks(writer: asyncio.StreamWriter, pieces: Iterator[bytes], cut: bool) -> None:
    for piece in pieces:
        sent = piece[: len(piece) // 2] if cut else piece
        if sent:
            writer.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
        await writer.drain()
        if cut:
            return
    if not cut:
        writer.write(b"0\r\n\r\n")


async def converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[Received], Awaitable[Response]],
) -> None:
    """Answer one request after the other until either side ends the connection."""
    # A client that goes away, in whatever state, is a client's right.
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        going = True
        while going:
            received = await read_request(reader)
            response = await answer(received)
            going = await write_response(writer, response)
            going = going and received.headers.get("connection", "").lower() != "close"
    writer.close()
