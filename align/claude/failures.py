"""Which failures end a run, in our words, for the provider's may repeat what was sent."""

import math
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz

from align.claude.provider import ACCOUNT, KEY_VARIABLE, SERVICE
from align.console import duration
from align.errors import UserError
from align.privacy.egress import CLOSED, FAILED, NOT_JSON, Refused

# Failures in a row after which nothing more is tried: no provider is unlucky so often.
GIVE_UP = 20
GOES_ON = "The same command goes on where it stopped"

# The gate's word on a body; what else it says is true of every body.
_OF_THE_BODY = frozenset({CLOSED, NOT_JSON, FAILED})


def is_passing(status: int) -> bool:
    """Tell whether the same attempt may succeed a little later."""
    return status in (408, 409, 429) or status >= 500


def stop_at(
    status: int, kind: str | None, request_id: str | None, *, host: str, model: str, answered: bool
) -> UserError | None:
    """Return the error that a status ends a run with, or None where the others may go on.

    `kind` is what the provider calls it, such as `invalid_request_error`; `answered` tells whether
    any request was answered before.
    """
    if 300 <= status < 400:
        what = f"answers with a redirect ({status}), which is not followed"
        return UserError(host, what, "Set ANTHROPIC_BASE_URL to where the service really is")
    if status == 401:
        remedy = f"Set {KEY_VARIABLE} anew, or run: python -m keyring set {SERVICE} {ACCOUNT}"
        return UserError("the key", f"{host} does not take it (401)", remedy)
    if status == 402:
        return UserError("the account", "has no credit left (402)", f"Top it up. {GOES_ON}")
    if status == 403:
        what = f"may not be used for {model} (403)"
        return UserError("the key", what, "Ask whoever gave it, or choose another --model")
    if status == 404:
        what = f"{host} knows no such model (404)"
        return UserError(f"model {model!r}", what, "Choose another --model")
    if status == 400 and not answered:
        words = ", ".join(word for word in (kind, request_id) if word)
        what = f"{host} does not take our requests (400{': ' + words if words else ''})"
        return UserError(f"model {model!r}", what, "Choose another --model")
    return None


def unreachable(host: str) -> UserError:
    """Return the error for a host that never answered."""
    return UserError(host, "can't be reached", f"Is this machine online? {GOES_ON}")


def without_answers(host: str) -> UserError:
    """Return the error for a host that fails again and again."""
    what = f"{GIVE_UP} requests in a row failed, each tried several times"
    return UserError(host, what, f"Try again later. {GOES_ON}")


def without_use(host: str, problems: Mapping[str, int]) -> UserError:
    """Return the error for tries in a row of which none could be used, counted by problem."""
    if not problems.keys() - {"errored"}:
        return without_answers(host)
    ordered = sorted(problems.items(), key=lambda item: (-item[1], item[0]))
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in ordered)
    what = f"{sum(problems.values()):,} answers in a row could not be used: {kinds}"
    what = what.replace("NoMessage", "no message of the provider's")
    remedy = f"Try again later, or with another --model. {GOES_ON}: none of these is on file"
    return UserError(host, what, remedy)


def results_short(host: str, batch: str, entries: int, count: int) -> UserError:
    """Return the error for results of a batch that lack much of what was done and paid."""
    what = f"its results hold {entries:,} of {count:,} entries, downloaded several times"
    remedy = f"Try again later: they are not bought again. {GOES_ON}"
    return UserError(f"batch {batch} at {host}", what, remedy)


def told_to_wait(host: str, seconds: float) -> UserError:
    """Return the error for a host that asks for a wait that nobody sits out."""
    return UserError(host, f"asks to wait {duration(seconds)}", f"Come back then. {GOES_ON}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a provider asks to wait; None where it says nothing of the kind."""
    value = headers.get("retry-after-ms") or headers.get("retry-after") or ""
    try:
        seconds = float(value) * (0.001 if headers.get("retry-after-ms") else 1.0)
    except ValueError:
        date = parsedate_tz(value)
        seconds = mktime_tz(date) - time.time() if date else math.nan
    return seconds if 0 <= seconds < math.inf else None


def unwritable(where: str) -> UserError:
    """Return the error for an egress log that can't be written any more."""
    return UserError(where, "can't be written any more, so nothing is sent", "Is the disk full?")


def refused(reason: str) -> UserError:
    """Return the error for what the gate refuses whatever the body says."""
    return UserError("the gate", f"lets nothing pass: {reason}", "`align egress` shows what it saw")


def is_of_the_body(refusal: Refused) -> bool:
    """Tell whether the gate stopped this body, rather than any."""
    return refusal.reason in _OF_THE_BODY
