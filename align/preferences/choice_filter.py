"""Find choices: by outcome, actor, time, checkpoint and words."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from align.errors import UserError
from align.store.choices import Choice, chosen_pairs, current_choices
from align.store.events import utc_time
from align.store.pairs import PairView

OUTCOMES = ("a", "b", "both", "neither", "rewrite")
ACTORS = ("owner", "imported", "simulated")


@dataclass(frozen=True)
class ChoiceFilter:
    """Which choices are wanted; what is None keeps all."""

    outcome: str | None = None  # one of `OUTCOMES`
    actor: str | None = None  # one of `ACTORS`
    since: str | None = None  # UTC, as the store writes times
    checkpoint: str | None = None  # name or hash of the checkpoint that wrote either answer
    pattern: re.Pattern[str] | None = None  # searched for in prompt, answers and rewrite

    def keeps(self, choice: Choice, pair: PairView | None) -> bool:
        """Tell whether a choice is wanted; of a pair that is not here no text is known."""
        if self.outcome not in (None, choice.outcome) or self.actor not in (None, choice.actor):
            return False
        if self.since is not None and choice.time < self.since:
            return False
        if pair is None:
            return self.checkpoint is None and self.pattern is None
        wrote = (pair.checkpoint_a, pair.checkpoint_b, pair.hash_a, pair.hash_b)
        if self.checkpoint is not None and self.checkpoint not in wrote:
            return False
        texts = [message["content"] for message in pair.messages]
        texts += [pair.text_a, pair.text_b, choice.rewrite or ""]
        return self.pattern is None or any(map(self.pattern.search, texts))


def filter_of_options(
    outcome: str | None,
    actor: str | None,
    since: str | None,
    checkpoint: str | None,
    grep: str | None,
) -> ChoiceFilter:
    """Return the options' filter; UserError: an unknown word, no date, or a broken pattern."""
    for option, word, words in (("--outcome", outcome, OUTCOMES), ("--actor", actor, ACTORS)):
        if word is not None and word not in words:
            raise UserError(option, f"{word!r} is not known", f"Say one of: {', '.join(words)}")
    try:
        pattern = re.compile(grep, re.IGNORECASE) if grep is not None else None
    except re.error as error:
        raise UserError(
            "--grep", f"{grep!r} is no regular expression ({error})", "Mend it"
        ) from None
    return ChoiceFilter(outcome, actor, _moment(since), checkpoint, pattern)


def _moment(since: str | None) -> str | None:
    if since is None:
        return None
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise UserError(
            "--since", f"{since!r} is no date", "Say one like 2026-01-31 or 2026-01-31T12:00"
        ) from None
    return utc_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def filtered_choices(
    conn: sqlite3.Connection, choice_filter: ChoiceFilter
) -> Iterator[tuple[Choice, PairView | None]]:
    """Yield the choices that the filter keeps, oldest first, with the pairs that are here."""
    pairs = chosen_pairs(conn)
    for choice in current_choices(conn):
        pair = pairs.get(choice.pair_id)
        if choice_filter.keeps(choice, pair):
            yield choice, pair
