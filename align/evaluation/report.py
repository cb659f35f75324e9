"""Show a scorecard: lines for the terminal, a Markdown page for reading."""

from collections.abc import Sequence
from itertools import pairwise

from align.console import make_command
from align.evaluation.measures import LONGER, VOICE
from align.evaluation.scorecard import HabitRow, Match, Scorecard
from align.text.printable import printable

ABSENT = "-"
# Habits named on the terminal; the page has all.
SHOWN_HABITS = 12
# Marks a habit that the simulated owner chooses by.
STAR = " *"
STARRED = "* The simulated owner looks at this habit too, so it is not part of the distance."
Row = Sequence[str]

READING = (
    "Win rates: ties count half; the interval is Wilson's, 95 %. Other intervals are bootstraps"
    " over prompts. A difference whose interval holds 'no change' is called inside the noise."
)


def percent(share: float | None) -> str:
    """Write a share; what is unknown is a dash."""
    return ABSENT if share is None else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """Write a number with about three digits; what is unknown is a dash."""
    if value is None:
        return ABSENT
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else (
        f"{value:.3f}"
    )  # fmt: skip


def match_rows(card: Scorecard) -> list[Row]:
    """Return the matches as rows: who over whom, by whom, the rate, its interval, in words."""
    return [_match_row(match) for match in card.matches]


def _match_row(match: Match) -> Row:
    interval = ABSENT
    if match.low is not None and match.high is not None:
        interval = f"{percent(match.low)} to {percent(match.high)}"
    counts = "/".join(f"{n:.0f}" for n in (match.wins, match.ties, match.losses))
    result = match.in_words
    if match.by == LONGER and "wins" in result:
        result = result.replace("wins", "writes longer answers")
    pair = f"{match.first} over {match.second}"
    return pair, match.by, percent(match.rate), interval, counts, result


def measure_rows(card: Scorecard) -> list[Row]:
    """Return the measures as rows: name, owner, each checkpoint, what changed."""
    return [
        (
            measure.name,
            number(measure.owner),
            *(number(measure.values.get(column)) for column in card.checkpoints),
            measure.in_words() or measure.meaning,
        )
        for measure in card.measures
    ]


def habit_rows(card: Scorecard, count: int | None = None) -> list[Row]:
    """Return habits as rows, those first in which the base is farthest from the owner."""
    ordered = sorted(card.habits, key=lambda row: _gap(row, card), reverse=True)
    return [
        (
            f"{row.name}{'' if row.counts else STAR} ({row.unit})",
            number(row.owner),
            *(number(row.values.get(column)) for column in card.checkpoints),
        )
        for row in ordered[:count]
    ]


def _gap(row: HabitRow, card: Scorecard) -> float:
    first = row.values.get(next(iter(card.checkpoints)))
    if first is None:
        return -1.0
    largest = max(abs(row.owner), abs(first))
    return abs(row.owner - first) / largest if largest else 0.0


def judge_lines(card: Scorecard) -> list[str]:
    """Say what the voice judge knows, and what it is worth."""
    judge = card.judge
    lines = [
        f"The voice judge knows {judge.owner_texts} texts of the owner outside the held-out side,"
        f" against {judge.against}; words of the topic are masked, and it is not what made the"
        " choices."
    ]
    if judge.separation is not None:
        lines.append(
            f"On held-out texts it puts the owner above another {percent(judge.separation)} of"
            " the time (50 % is chance)."
        )
    if judge.weak:
        lines.append(
            "It is a weak judge: it has seen no other people, so it knows the owner only from"
            " the base."
        )
    bounds = f"repeats more than {percent(judge.repetition_bound)} of itself"
    if judge.topic_binds:
        bounds += ", or leaves the topic,"
    lines.append(
        f"Odds are capped at the owner's own median ({number(judge.cap)}, {judge.cap_from}); an"
        f" answer that {bounds} can't win over one that does not."
    )
    agree, decided = card.longer_agrees
    if decided:
        lines.append(
            f"Preferring the longer answer agrees with it {percent(agree / decided)} of the time"
            f" ({agree} of {decided})."
        )
    return lines


def headline(card: Scorecard) -> list[str]:
    """Say what improved, in a sentence for each step."""
    columns = list(card.checkpoints)
    lines = []
    for before, after in pairwise(columns):
        match = card.match(after, before, VOICE)
        if match is None or match.rate is None:
            continue
        sentence = f"{after} sounds more like the owner than {before} in {percent(match.rate)}"
        sentence += f" of answers ({percent(match.low)} to {percent(match.high)})"
        if match.in_words == "inside the noise":
            sentence += ", which is inside the noise"
        lines.append(sentence + ".")
    return lines


def terminal(card: Scorecard) -> str:
    """Return the scorecard for a terminal, in plain columns."""
    columns = list(card.checkpoints)
    names = ", ".join(
        word if word == checkpoint["name"] else f"{word} = {checkpoint['name']}"
        for word, checkpoint in card.checkpoints.items()
    )
    parts = [
        f"Scorecard of {card.owner}: {names}; {card.prompts} held-out prompts,"
        f" {len(card.seeds)} seed{'s' if len(card.seeds) > 1 else ''}",
        "",
        _aligned(
            [("win rate", "by", "rate", "95 %", "won/tie/lost", ""), *match_rows(card)], text=2
        ),
        "",
        _aligned([("measure", "owner", *columns, "change"), *measure_rows(card)], text=1),
        "",
        _aligned([("habit (rates)", "owner", *columns), *habit_rows(card, SHOWN_HABITS)], text=1),
        "",
        *([STARRED, ""] if any(not row.counts for row in card.habits) else []),
        *judge_lines(card),
        READING,
    ]
    return printable("\n".join(parts))


def markdown(card: Scorecard) -> str:
    """Return the scorecard as a Markdown page, with sample answers side by side."""
    columns = list(card.checkpoints)
    parts = [f"# Scorecard of {card.owner}", ""]
    parts += [
        f"{card.prompts} held-out prompts, seeds {', '.join(map(str, card.seeds))}; "
        + ", ".join(f"{k} {number(v)}" for k, v in card.settings.items())
        + f". Measured {card.created}.",
        "",
        _table(("checkpoint", "name", "hash"), [
            (word, checkpoint["name"], checkpoint["hash"][:12])
            for word, checkpoint in card.checkpoints.items()
        ]),
        "", "## Who sounds more like the owner", "", *headline(card), "",
        _table(("pair", "by", "rate", "95 %", "won/tie/lost", ""), match_rows(card)), "",
        *judge_lines(card), "", READING, "",
        "## Measures", "",
        _table(("measure", "owner", *columns, "change"), measure_rows(card)), "",
        *(f"- {m.name}: {m.meaning}." for m in card.measures if m.meaning), "",
        "## Habits", "", "Mean rates; those first in which the first column is farthest from the"
        " owner.", "",
        _table(("habit", "owner", *columns), habit_rows(card)), "",
        *([_cell(STARRED), ""] if any(not row.counts for row in card.habits) else []),
        *(f"- {row.name}: {row.meaning}" for row in card.habits), "",
        "## Answers side by side", "", "Chosen by index, not by quality.", "",
    ]  # fmt: skip
    for count, sample in enumerate(card.samples, 1):
        parts += [f"### {count}. {_cell(sample.prompt)}", ""]
        parts += [_table(columns, [[sample.answers[column] for column in columns]]), ""]
    return "\n".join(parts)


def next_steps(card: Scorecard) -> list[str]:
    """Say what can be typed next; each line's command can be pasted."""
    steps = [("Talk with it:", make_command("chat", card.owner))]
    if card.owner == "demo":
        steps += [
            ("Choose yourself:", "make label"),
            (
                "Your own writing:",
                "make ingest OWNER=me FROM=~/my-writing && make sft dpo OWNER=me",
            ),
        ]
    else:
        again = " && ".join(make_command(each, card.owner) for each in ("sample", "label", "dpo"))
        steps += [("Another round:", again)]
    return [f"{what:<18} {command}" for what, command in steps]


def _cell(text: str) -> str:
    """Return text that can't end its cell, start markup or become a tag."""
    plain = printable(text).replace("\\", "\\\\")
    for mark in "|*_`[]<>#~":
        plain = plain.replace(mark, f"\\{mark}")
    return "<br>".join(line.strip() for line in plain.splitlines()) or ABSENT


def _table(head: Sequence[str], rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _aligned(rows: Sequence[Row], *, text: int) -> str:
    """Return rows in columns; the first `text` and the last stand left, numbers stand right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < text or i == last else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
