"""Examples as a terminal shows them: conversations, a table by source, lengths, what was left out.

All functions return lines with the words as they were written: pass them through
`align.text.printable` before showing them.
"""

import random
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from align.conversations.examples.example_rows import ExampleStatistics, Row, explained

# What is learned, what was answered before, what was asked; they say it without colour too.
LEARNED, CONTEXT, ASKED = "●", "○", "·"
LEGEND = f"{LEARNED} learned   {CONTEXT} answered before, context   {ASKED} asked"
_BINS, _BAR = 8, 40
_MOST_TURNS, _MOST_LINES = 10, 12


class Drawing:
    """A reservoir of rows across sources; the same seed draws the same."""

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._random = random.Random(seed)
        self._drawn: dict[str, list[Row]] = {}
        self._seen: dict[str, int] = {}

    def see(self, row: Row) -> None:
        """Let a row pass."""
        drawn = self._drawn.setdefault(row["source"], [])
        seen = self._seen[row["source"]] = self._seen.get(row["source"], 0) + 1
        if len(drawn) < self._most:
            drawn.append(row)
            return
        at = self._random.randrange(seen)
        if at < self._most:
            drawn[at] = row

    def rows(self) -> list[Row]:
        """Return the rows that were drawn, as evenly from all sources as they go."""
        drawn: dict[str, list[Row]] = {source: [] for source in self._drawn}
        left = {s: self._random.sample(rows, len(rows)) for s, rows in self._drawn.items()}
        most = self._most
        while most > 0 and any(left.values()):
            for source in [source for source, rows in left.items() if rows][:most]:
                drawn[source].append(left[source].pop())
                most -= 1
        return [row for rows in drawn.values() for row in rows]


def conversation_lines(
    row: Row, tokens: int, width: int | None = None
) -> Iterator[tuple[str, bool]]:
    """Yield a row's lines, and whether each is part of what is learned."""
    width = width or shutil.get_terminal_size((100, 24)).columns
    messages = row["messages"]
    yield f"{row['source']}, {len(messages)} turns, {tokens:,} tokens", False
    if len(messages) > _MOST_TURNS:
        yield f"  … {len(messages) - _MOST_TURNS} earlier turns", False
    for message in messages[-_MOST_TURNS:]:
        is_answer = message["role"] == "assistant"
        is_learned = is_answer and bool(message.get("train", True))
        sign = LEARNED if is_learned else CONTEXT if is_answer else ASKED
        for at, line in enumerate(_wrapped(message["content"], max(width - 4, 20))):
            yield f"  {sign if at == 0 else ' '} {line}".rstrip(), is_learned
    yield "", False


def table_lines(statistics: ExampleStatistics) -> list[str]:
    """Return the table by source: rows and their share after the mix, words, tokens, lengths."""
    head = f"{'source':<18}{'rows':>9}{'share':>8}{'words':>11}{'tokens':>11}"
    lines = [f"{head}{'median':>9}{'longest':>9}"]
    whole = statistics.rows or 1
    for source, counts in sorted(statistics.sources.items(), key=lambda item: -item[1].rows):
        lines.append(
            f"{source:<18}{counts.rows:>9,}{100 * counts.rows / whole:>6.1f} %{counts.words:>11,}"
            f"{sum(counts.lengths):>11,}{counts.median:>9,}{max(counts.lengths, default=0):>9,}"
        )
    words = sum(counts.words for counts in statistics.sources.values())
    lines.append(
        f"{'all':<18}{statistics.rows:>9,}{'':>8}{words:>11,}{sum(statistics.lengths):>11,}"
    )
    return lines


def histogram_lines(lengths: Sequence[int], limit: int) -> list[str]:
    """Return how long rows are, in tokens, as bars; the limit of a row is marked."""
    if not lengths:
        return []
    step = -(-limit // _BINS)
    counts = [0] * (_BINS + 1)
    for length in lengths:
        counts[_BINS if length > limit else min((length - 1) // step, _BINS - 1)] += 1
    most = max(counts)
    lines = []
    for at, count in enumerate(counts):
        if at == _BINS:
            lines.append(f"{limit:>15,}  {'┄' * _BAR} longest row")
            if not count:
                break
        span = "longer" if at == _BINS else f"{at * step + 1:,} to {min((at + 1) * step, limit):,}"
        lines.append(f"{span:>15}  {_bar(count, most)} {count:,}".rstrip())
    return lines


def left_out_lines(statistics: ExampleStatistics, *, with_records: bool) -> list[str]:
    """Return why records of the owner's aren't learned, the commonest reason first."""
    lines = []
    for reason, count in statistics.left_out.most_common():
        lines.append(f"{count:>9,}  {reason:<16} {explained(reason)}")
        for record in statistics.shown.get(reason, []) if with_records else ():
            text = textwrap.shorten(record.text, 60, placeholder=" …") or "(no words)"
            lines.append(f"{'':>11}{record.id[:8]}  {record.source}: {text}")
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    lines = [
        part
        for line in text.strip().split("\n")
        for part in textwrap.wrap(line, width, break_long_words=True) or [""]
    ]
    if len(lines) <= _MOST_LINES:
        return lines
    more = sum(len(line.split()) for line in lines[_MOST_LINES - 1 :])
    return [*lines[: _MOST_LINES - 1], f"… {more:,} more words"]


def _bar(count: int, most: int) -> str:
    return "█" * round(_BAR * count / most) or ("▏" if count else "")
