"""The gate before the network: every body passes it on every attempt, or is never sent."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from align.privacy.consent import Consent
from align.privacy.egress_log import EgressLog
from align.privacy.scope import Detector, repeated

HOST = "another host"
CONSENT = "no consent"
CLOSED = "closed writing"
NOT_JSON = "not JSON"
NO_LOG = "no ledger"
FAILED = "the check failed"

_TAG = re.compile(r"</?[a-z_]+>")
# Keys that a place may name; any other key could itself be somebody's words.
_TELLING = frozenset(
    (
        "content", "custom_id", "input", "messages", "metadata", "model", "output_config",
        "params", "properties", "requests", "schema", "system", "text", "tools",
    )
)  # fmt: skip


class Refused(Exception):
    """The gate lets a body not pass. Carries nothing of what stands in it.

    `reason` is one of this module's; `where` the place in the body, as `messages[0].content`.
    """

    def __init__(self, reason: str, where: str = "") -> None:
        self.reason, self.where = reason, where
        super().__init__(f"{reason} at {where}" if where else reason)

    def __reduce__(self) -> tuple[type["Refused"], tuple[str, str]]:
        """Pickle what it was made of."""
        return type(self), (self.reason, self.where)


class EgressGate:
    """Lets bodies pass to one host for one purpose, as far as they hold nothing closed.

    Without consent or a log nothing passes.
    """

    def __init__(
        self,
        detector: Detector,
        consent: Consent | None,
        egress_log: EgressLog,
        *,
        host: str,
        purpose: str,
    ) -> None:
        self._detector, self._consent, self.egress_log = detector, consent, egress_log
        self.host, self.purpose = host, purpose

    def check(self, body: Any, host: str, ids: Sequence[str] = ()) -> None:
        """Return if the body, about `ids`, may be sent to the host.

        It is the bytes that will be sent, or what their JSON says; None or no bytes where nothing
        is sent but the request. Refused: it may not, or that could not be found out.
        """
        try:
            refusal = self._refusal(body, host)
        except Exception:
            refusal = (FAILED, "")
        if refusal is None:
            return
        reason, where = refusal
        # Odd ids must not keep the refusal out of the log.
        for logged_ids in (ids, ()):
            with suppress(Exception):
                # Our host, not the one that was named: anything could stand there.
                self.egress_log.refused(
                    reason, host=self.host, purpose=self.purpose, ids=logged_ids, where=where[:200]
                )
                break
        # Out here, so that no exception that knows the body hangs on it.
        raise Refused(reason, where)

    def _refusal(self, body: Any, host: str) -> tuple[str, str] | None:
        try:
            self.egress_log.ready()
        except OSError:
            return NO_LOG, ""
        if host != self.host:
            return HOST, ""
        if self._consent is None or (self._consent.host, self._consent.purpose) != (
            self.host,
            self.purpose,
        ):
            return CONSENT, ""
        # Sealed in the labeler a moment ago is sealed.
        self._detector.refresh()
        if body is None or body == b"":
            return None
        if isinstance(body, bytes | bytearray | memoryview):
            try:
                body = json.loads(bytes(body), object_pairs_hook=_Object)
            except ValueError:
                return NOT_JSON, ""
        turns = defaultdict[str, list[str]](list)
        for text, where in _strings(body, ""):
            if text is None:
                return NOT_JSON, where
            if self._detector.match(text) is not None:
                return CLOSED, where
            head, messages, _ = where.partition("messages[")
            if messages:
                turns[head].append(_TAG.sub(" ", text))
        for head, texts in turns.items():
            # What one turn begins another may end, whatever tag stands between.
            if repeated(self._detector.match, texts) is not None:
                return CLOSED, f"{head}messages"
        return None


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object with all its members: of two of one name, a dict would hide the first."""

    __slots__ = ()


def _strings(value: Any, where: str) -> Iterator[tuple[str | None, str]]:
    """Yield all strings of a JSON value and where they stand; None for what is no JSON."""
    if isinstance(value, str):
        yield value, where
    elif isinstance(value, dict | _Object):
        for key, inner in value.items() if isinstance(value, dict) else value:
            place = key if isinstance(key, str) and key in _TELLING else "?"
            inside = f"{where}.{place}" if where else place
            yield from _strings(key, inside)
            yield from _strings(inner, inside)
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _strings(inner, f"{where}[{at}]")
    elif value is not None and not isinstance(value, bool | int | float):
        yield None, where
