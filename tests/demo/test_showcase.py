"""The page about the demo shows answers by index and measures without choosing."""

from pathlib import Path

import pytest

from align.demo.corpus import UNSEEN
from align.demo.grammar import questions
from align.demo.showcase import BEGIN, END, on_topic_rate, paste, report, samples
from align.demo.topics import topic_of, topics


def names_its_topic(asked: list[str]) -> list[str]:
    named = {topic.key: topic.name for topic in topics()}
    return [f"I like {named[str(topic_of(question))]}." for question in asked]


def test_samples_lie_at_even_distances() -> None:
    shown = samples(names_its_topic, 20)
    assert len({question for question, _ in shown}) == 20
    assert shown == samples(names_its_topic, 20)


def test_unseen_combinations_are_all_asked() -> None:
    good, total = on_topic_rate(names_its_topic, seen=False)
    assert total == sum(len(questions(topic, kind)) for topic, kind in UNSEEN)
    assert good / total > 0.97


def test_an_answer_about_nothing_is_not_on_topic() -> None:
    assert on_topic_rate(lambda asked: ["It is what it is."] * len(asked), seen=True)[0] == 0


def test_a_report_is_pasted_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "demo.md"
    page.write_text(f"before\n{BEGIN}\nstale words\n{END}\nafter\n")
    paste(page, report(names_its_topic, 3))
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "stale words" not in text
    assert "1. **" in text


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "demo.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no lines"):
        paste(page, "text")
