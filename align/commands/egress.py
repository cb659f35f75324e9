"""`align egress`: what left this machine, to whom, and what the gate stopped."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from align.privacy.egress_totals import Sum, Totals

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HEAD = ("time (UTC)", "purpose", "model", "host", "what", "bytes", "status", "tokens", "USD")
# Of a batch's id the beginning tells enough.
_BATCH = re.compile(r"(msgbatch_\w{6})\w+")
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
    import json

    from align.privacy.egress_log import read
    from align.privacy.egress_totals import totals
    from align.text.printable import printable

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
    for row in _totals(totals(lines)):
        print(printable(row))


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
        "/".join(tokens) if any(each != "-" for each in tokens) else "-",
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


def _totals(found: "Totals") -> list[str]:
    lines = [f"In all: {_sum(found.all)}"]
    for name, sums in found.by.items():
        width = max(map(len, sums), default=0)
        lines += [f"  {name:<7}  {what:<{width}}  {_sum(sums[what])}" for what in sorted(sums)]
    for reason, count in found.refused.most_common():
        lines.append(f"Stopped by the gate: {count:,}, {reason}")
    if found.underway:
        lines.append(f"Under way: {found.underway:,}")
    if found.unfinished:
        lines.append(f"Unfinished, their process is gone: {found.unfinished:,}; they may have left")
    if found.damaged:
        lines.append(f"Lines that can't be read: {found.damaged:,}")
    return lines


def _sum(sum: "Sum") -> str:
    from align.console import dollars

    unknown = f", {sum.unknown:,} of unknown cost" if sum.unknown else ""
    return (
        f"{sum.attempts:,} attempt{'' if sum.attempts == 1 else 's'}, {sum.bytes:,} bytes, "
        f"{sum.input_tokens:,} tokens in, {sum.output_tokens:,} out, {dollars(sum.cost)}{unknown}"
    )
