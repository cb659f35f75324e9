"""Show what the demo base says, chosen by index, and measure how often it stays on its topic."""

from collections.abc import Callable
from pathlib import Path

from align.demo.corpus import UNSEEN, combinations
from align.demo.grammar import questions
from align.demo.topics import on_topic

# Prompts in, one answer to each out.
Sampler = Callable[[list[str]], list[str]]

BEGIN, END = "<!-- samples: begin -->", "<!-- samples: end -->"


def _questions(seen: bool) -> list[tuple[str, str]]:
    """Return (topic, question) for unseen pairs, or for as many seen ones spread evenly."""
    unseen = {(topic.key, kind.key) for topic, kind in UNSEEN}
    pairs = [(t, k) for t, k in combinations() if seen != ((t.key, k.key) in unseen)]
    step = max(1, len(pairs) // len(unseen)) if seen else 1
    return [(topic.key, text) for topic, kind in pairs[::step] for text in questions(topic, kind)]


def on_topic_rate(sampler: Sampler, seen: bool) -> tuple[int, int]:
    """Return how many answers were on their topic, and of how many."""
    keys, prompts = zip(*_questions(seen), strict=True)
    texts = sampler(list(prompts))
    return sum(map(on_topic, keys, texts)), len(texts)


def samples(sampler: Sampler, count: int) -> list[tuple[str, str]]:
    """Return questions and answers at even distances through all combinations."""
    every = combinations()
    chosen = [every[index * len(every) // count] for index in range(count)]
    prompts = [questions(topic, kind)[0] for topic, kind in chosen]
    return list(zip(prompts, sampler(prompts), strict=True))


def report(sampler: Sampler, count: int) -> str:
    """Return the samples and the measured rates as Markdown."""
    lines = []
    for name, seen in (("never seen in training", False), ("seen in training", True)):
        good, total = on_topic_rate(sampler, seen)
        lines.append(
            f"- combinations {name}: {good} of {total} answers on their topic "
            f"({100 * good / total:.1f} %)"
        )
    lines.append("")
    for number, (question, text) in enumerate(samples(sampler, count), 1):
        spoken = text.replace("\n", " ").replace("<", "&lt;")
        lines += [f"{number}. **{question}**", f"   {spoken}"]
    return "\n".join(lines) + "\n"


def paste(page: Path, text: str) -> None:
    """Put a report between the markers of a page; ValueError where it has none."""
    whole = page.read_text(encoding="utf-8")
    if BEGIN not in whole or END not in whole:
        raise ValueError(f"{page}: no lines {BEGIN} and {END}. Put them where samples belong.")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")
