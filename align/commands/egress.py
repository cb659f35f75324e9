"""`align egress`: what left this machine, to whom, and what the gate stopped."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from align.console import dollars
from align.text.printable import printable

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HEAD = ("time (UTC)", "purpose", "model", "host", "what", "bytes", "status", "tokens", "USD")
# Of a batch's id the beginning tells enough.
_BATCH = re.compile(r"(msgbatch_\w{6})\w+")
BY = ("purpose", "model", "host", "day")
_RIGHT = ("bytes", "status", "tokens", "USD")


@app.command()
def egress(
    owner: Annotated[str, typer.Option(help="Whose texts.")] = "demo",
    last: Annotated[
        int | None, typer.Option(help="Only so many of the newest lines.", min=1, metavar="N")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The lines as they stand in the file.")
    ] = False,
) -> None:
    """Show what left this machine: when, to whom, how much, and what it cost. Never the texts.

    A line is one attempt to send something, a batch's bill, a consent, or what the gate stopped.
    Without --last the newest 20 are shown (all with --json); totals are of everything.
    """
    from align.privacy.egress_log import read

    lines = list(read(owner))
    if as_json:
        for line in lines[-last:] if last else lines:
            print(json.dumps(line))
        return
    if not lines:
        print("Nothing has left this machine by the gate, and nothing was stopped there.")
        return
    for row in _table(lines[-(last or 20) :]):
        print(printable(row))
    print()
    for row in _total_lines(totals(lines)):
        print(printable(row))


@dataclass
class Sum:
    """What some attempts come to."""

    attempts: int = 0  # how many requests were sent, or may have been
    bytes: int = 0  # of their bodies
    input_tokens: int = 0  # as far as they are known, those kept and read from the cache among them
    output_tokens: int = 0  # as far as they are known
    cost: float = 0.0  # USD, as far as it is known
    unknown: int = 0  # how many may have cost something that is not known

    def add(self, line: Mapping[str, Any]) -> None:
        """Add an attempt, or what a batch came to."""
        if line["kind"] == "attempt":
            self.attempts += 1
            self.bytes += line.get("bytes") or 0
            self.unknown += _may_cost(line)
        for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens"):
            self.input_tokens += line.get(name) or 0
        self.output_tokens += line.get("output_tokens") or 0
        self.cost += line.get("cost") or 0.0


@dataclass
class Totals:
    """What an egress log comes to."""

    all: Sum = field(default_factory=Sum)  # everything
    # the sums by `BY`, and by what each is
    by: dict[str, dict[str, Sum]] = field(default_factory=lambda: {name: {} for name in BY})
    refused: Counter[str] = field(default_factory=Counter)  # what the gate stopped, by reason
    unfinished: int = 0  # attempts of which nobody knows how they ended
    underway: int = 0  # attempts that have not ended yet
    damaged: int = 0  # lines that can't be read


def totals(lines: Iterable[Mapping[str, Any]]) -> Totals:
    """Return what the lines of an egress log come to."""
    result = Totals()
    for line in lines:
        kind = line["kind"]
        if kind == "refused":
            result.refused[str(line.get("reason"))] += 1
        elif kind == "damaged":
            result.damaged += 1
        elif kind in ("attempt", "settled"):
            result.unfinished += bool(line.get("unfinished"))
            result.underway += bool(line.get("underway"))
            result.all.add(line)
            for name in BY:
                value = line.get("time", "")[:10] if name == "day" else line.get(name)
                # Whoever asks how a batch goes names no model.
                result.by[name].setdefault(str(value or "-"), Sum()).add(line)
    return result


def _may_cost(line: Mapping[str, Any]) -> bool:
    """Tell whether an attempt may have been billed and nobody knows how much."""
    is_paid = line.get("method") == "POST" and str(line.get("path", "")).endswith("/messages")
    return is_paid and line.get("cost") is None and line.get("status") in (None, 200)


def _table(lines: list[dict[str, Any]]) -> list[str]:
    rows = [_HEAD, *(_row(line) for line in lines)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return [
        "  ".join(
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for name, cell, width in zip(_HEAD, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _row(line: Mapping[str, Any]) -> tuple[str, ...]:
    tokens = [_number(_read(line)), _number(line.get("output_tokens"))]
    cost = line.get("cost")
    return (
        str(line.get("time", ""))[:19].replace("T", " "),
        str(line.get("purpose") or "-"),
        str(line.get("model") or "-"),
        str(line.get("host") or "-"),
        _what(line),
        _number(line.get("bytes")),
        _status(line),
        "/".join(tokens) if any(count != "-" for count in tokens) else "-",
        "-" if cost is None else f"{cost:.4f}",
    )


def _read(line: Mapping[str, Any]) -> int | None:
    """Return all tokens that were read, in whatever way; None where nobody said so."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    known = [line[name] for name in names if isinstance(line.get(name), int)]
    return sum(known) if known else None


def _what(line: Mapping[str, Any]) -> str:
    kind = line["kind"]
    if kind == "attempt":
        path = _BATCH.sub(r"\1…", str(line.get("path")).removeprefix("/v1/"))
        return f"{line.get('method')} {path}" + _about(line)
    if kind == "settled":
        return f"batch of {_number(line.get('requests'))}"
    if kind == "consent":
        return f"consent ({line.get('how')})"
    if kind == "refused":
        where = f", {line['where']}" if line.get("where") else ""
        return f"stopped: {line.get('reason')}{where}" + _about(line)
    return "a line that can't be read"


def _about(line: Mapping[str, Any]) -> str:
    count = len(line.get("ids") or ())
    return f" ({count:,} id{'' if count == 1 else 's'})" if count else ""


def _status(line: Mapping[str, Any]) -> str:
    for mark in ("unfinished", "underway"):
        if line.get(mark):
            return mark
    return str(line.get("status") or line.get("error") or "-")


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def _total_lines(sums: Totals) -> list[str]:
    lines = [f"In all: {_sum(sums.all)}"]
    for name, by_value in sums.by.items():
        width = max(map(len, by_value), default=0)
        lines += [
            f"  {name:<7}  {value:<{width}}  {_sum(by_value[value])}" for value in sorted(by_value)
        ]
    # Of as many by name: requests are stopped in any order.
    for reason, count in sorted(sums.refused.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"Stopped by the gate: {count:,}, {reason}")
    if sums.underway:
        lines.append(f"Under way: {sums.underway:,}")
    if sums.unfinished:
        lines.append(f"Unfinished, their process is gone: {sums.unfinished:,}; they may have left")
    if sums.damaged:
        lines.append(f"Lines that can't be read: {sums.damaged:,}")
    return lines


def _sum(sum: Sum) -> str:
    unknown = f", {sum.unknown:,} of unknown cost" if sum.unknown else ""
    return (
        f"{sum.attempts:,} attempt{'' if sum.attempts == 1 else 's'}, {sum.bytes:,} bytes, "
        f"{sum.input_tokens:,} tokens in, {sum.output_tokens:,} out, {dollars(sum.cost)}{unknown}"
    )
