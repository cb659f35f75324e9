"""Examples in a terminal: drawn across sources, marked, with bars and reasons."""

from typing import Any

from align.conversations.examples.example_rows import ExampleStatistics
from align.conversations.examples.preview import (
    Drawing,
    conversation_lines,
    histogram_lines,
    left_out_lines,
    table_lines,
)
from tests.conversations.examples.writing import document, words


def row(source: str, *said: str, train: bool = True) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [
        {"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)
    ]
    if not train:
        messages[1]["train"] = False
    return {"messages": messages, "source": source, "record_ids": []}


def test_rows_are_drawn_across_sources_and_the_same_seed_draws_the_same() -> None:
    def drawn(seed: int, most: int = 6) -> list[str]:
        drawing = Drawing(most, seed)
        for at in range(200):
            drawing.see(row("whatsapp", f"w{at}", "yes"))
        drawing.see(row("blog", "b", "yes"))
        for at in range(5):
            drawing.see(row("mail", f"m{at}", "yes"))
        return [each["messages"][0]["content"] for each in drawing.rows()]

    found = drawn(0)
    assert [name[0] for name in found] == ["w", "w", "w", "b", "m", "m"]
    assert found == drawn(0)
    assert found != drawn(1)
    assert drawn(0, most=0) == []
    assert len(drawn(0, most=1000)) == 206


def test_a_conversation_says_without_colour_what_is_learned() -> None:
    shown = row("mail", "Coming?", "ok", "When?", "After\n\nthe rain.", train=False)
    lines = list(conversation_lines(shown, 1234, 60))
    assert lines == [
        ("mail, 4 turns, 1,234 tokens", False),
        ("  · Coming?", False),
        ("  ○ ok", False),
        ("  · When?", False),
        ("  ● After", True),
        ("", True),
        ("    the rain.", True),
        ("", False),
    ]


def test_long_texts_and_conversations_are_shown_in_part() -> None:
    long = row("blog", "Write.", "word " * 3000)
    lines = [line for line, _ in conversation_lines(long, 1, 80)]
    assert len(lines) < 20
    assert all(len(line) <= 80 for line in lines)
    assert lines[-2].endswith("more words")
    many = row("mail", *(f"t{at}" for at in range(40)))
    lines = [line for line, _ in conversation_lines(many, 1, 80)]
    assert lines[1] == "  … 30 earlier turns"
    assert lines[-2] == "  ● t39"


def test_the_table_counts_by_source() -> None:
    statistics = ExampleStatistics()
    statistics.add(row("mail", "a b", "c d e"), 3, words)
    statistics.add(row("blog", "a b", "c d e f"), 1, words)
    lines = [line.split() for line in table_lines(statistics)]
    assert lines[0] == ["source", "rows", "share", "words", "tokens", "median", "longest"]
    assert lines[1] == ["mail", "3", "75.0", "%", "3", "53", "53", "53"]
    assert lines[2] == ["blog", "1", "25.0", "%", "4", "54", "54", "54"]
    assert lines[3] == ["all", "4", "7", "107"]


def test_the_histogram_marks_the_limit() -> None:
    lines = histogram_lines([1, 100, 100, 101, 800, 900], 800)
    counts = [line.split()[-1] for line in lines]
    assert counts == ["3", "1", "0", "0", "0", "0", "0", "1", "row", "1"]
    assert "800" in lines[8] and "┄" in lines[8]
    assert lines[9].split()[0] == "longer"
    assert lines[0].count("█") == 40
    assert histogram_lines([5], 800)[-1].endswith("longest row")
    assert histogram_lines([], 800) == []


def test_reasons_are_said_in_words_and_sealed_writing_is_not_shown() -> None:
    statistics = ExampleStatistics()
    for at in range(5):
        statistics.leave_out(document(f"Number {at}.", origin=str(at)), "too-short")
    statistics.leave_out(document("SECRET", level="sealed"), "sealed")
    plain = left_out_lines(statistics, with_records=False)
    assert [line.split()[:2] for line in plain] == [["5", "too-short"], ["1", "sealed"]]
    assert "too short to carry a voice" in plain[0]
    shown = left_out_lines(statistics, with_records=True)
    assert len(shown) == 5
    assert shown[1].endswith("documents: Number 0.")
    assert "SECRET" not in str(shown)
