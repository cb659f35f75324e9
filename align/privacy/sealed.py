"""Find what repeats sealed writing, so that it never travels."""

import sqlite3
from collections.abc import Iterable

from align.owner import Owner
from align.privacy.redaction import redactor_for
from align.store.records import iter_records
from align.text.similarity import RunIndex, words


class SealedGuard:
    """Finds texts that repeat eight words in a row, or all, of a sealed record."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._runs = RunIndex(length=8)
        self._short: set[str] = set()
        for text in texts:
            self._runs.add(text)
            found = words(text)
            # Fewer than four words are anybody's.
            if 4 <= len(found) < 8:
                self._short.add(" ".join(found))

    def finds(self, *texts: str | None) -> bool:
        """Tell whether one of the texts repeats what is sealed."""
        for text in texts:
            if text and (self._runs.repeated(text) or self._repeats_short(text)):
                return True
        return False

    def _repeats_short(self, text: str) -> bool:
        if not self._short:
            return False
        found = f" {' '.join(words(text))} "
        return any(f" {short} " in found for short in self._short)


def sealed_guard(conn: sqlite3.Connection, settings: Owner) -> SealedGuard:
    """Return the guard of a store's sealed records, as they are and as they are redacted."""
    redactor = redactor_for(settings)
    sealed = iter_records(conn, levels=["sealed"], include_left_out=True)
    return SealedGuard(
        text for record in sealed for text in {record.text, redactor.redact(record.text)}
    )
