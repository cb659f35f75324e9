"""A made-up owner's store, and a stand-in for Claude that mostly agrees with them.

`python -m benchmarks.made_up_judging` serves the stand-in: it prints its address and runs until its
input ends.

The owner prefers one answer of a pair by a lot that both sides draw from the texts alone. Of all
pairs the stand-in ties in `TIES`, in `SWAPS` it names whichever answer stands first, and of the
rest it agrees with the owner in `AGREES`. Its notes have 15 to 25 words each.
"""

import argparse
import contextlib
import hashlib
import itertools
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Literal

from align.demo.corpus import combinations
from align.demo.grammar import answer as written
from align.demo.grammar import questions
from align.demo.voice import random_voice
from align.preferences.preference import side_of
from align.recipe.recipe_keys import DEFAULTS
from align.store.adding import add_records
from align.store.answers import Answer, add_answers
from align.store.connection import connect, transaction
from align.store.events import NewEvent, append_events
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts
from align.store.records import Record
from tests.anthropic_server import Apart, question_of, serve

TIES, SWAPS, AGREES = 0.06, 0.12, 0.8
CERTAINTIES = ("high", "medium", "medium", "low")
CHECKOUT = Path(__file__).resolve().parent.parent
_ANSWERS = re.compile(r"<answer_[ab]>\n(.*?)\n</answer_[ab]>", re.DOTALL)
# So many texts are written; their sentences make up all others.
_STOCK = 3_000
_CLOSED = 20_000
_MANY = 5_000


def prefers(text_a: str, text_b: str) -> Literal["a", "b"]:
    """Return the answer that the owner would choose."""
    return "a" if _lot(text_a) < _lot(text_b) else "b"


def verdict(params: dict[str, Any]) -> dict[str, Any]:
    """Return what the stand-in says to a question: the same of a pair in either order."""
    first, second = _ANSWERS.findall(question_of(params))
    chance = random.Random("\n".join(sorted((first, second))))
    at, agrees, certainty = chance.random(), chance.random() < AGREES, chance.choice(CERTAINTIES)
    if at < TIES:
        winner = "neither"
    elif at < TIES + SWAPS:
        winner = "A"
    else:
        winner = "A" if (prefers(first, second) == "a") == agrees else "B"
    notes = [" ".join(chance.choices(_note_words(), k=chance.randint(15, 25))) for _ in "ab"]
    return {"notes_a": notes[0], "notes_b": notes[1], "winner": winner, "certainty": certainty}


@contextlib.contextmanager
def judge_apart(**flags: float) -> Iterator[Apart]:
    """Run the stand-in in a process of its own; `latency=0.05` becomes `--latency 0.05`."""
    command = [sys.executable, "-m", "benchmarks.made_up_judging"]
    for name, value in flags.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Apart(process.stdout.readline().strip(), process.pid)
    finally:
        # It ends when nobody holds its input any more, so that none is left behind.
        process.communicate(timeout=60)


def fill_store(path: Path, choices: int, waiting: int, words: tuple[int, int]) -> None:
    """Write a store of pairs, some of which the owner chose of, and of closed messages.

    Args:
        path: The store.
        choices: How many pairs they chose of.
        waiting: How many others a judge could be asked, two to a prompt.
        words: How long an answer is, at least and at most.
    """
    chance = random.Random(1)
    with closing(connect(path, create=True)) as conn:
        add_records(conn, _closed_messages(chance))
        made = _pairs(chance, choices, waiting, words)
        chosen: list[NewEvent] = []
        while some := list(itertools.islice(made, _MANY)):
            with transaction(conn):
                add_prompts(conn, [prompt for prompt, _, _ in some])
                add_answers(conn, [answer for _, both, _ in some for answer in both])
                add_pairs(conn, [pair for _, _, pair in some])
            for _, (first, second), pair in some[: choices - len(chosen)]:
                said = {"outcome": prefers(first.text, second.text), "left": "a"}
                chosen.append(NewEvent("choice", "owner", pair.id, said))
        append_events(conn, chosen)


def _pairs(
    chance: random.Random, choices: int, waiting: int, words: tuple[int, int]
) -> Iterator[tuple[Prompt, tuple[Answer, Answer], Pair]]:
    """Yield pairs; those to choose of first, of a prompt each."""
    held_out = DEFAULTS["dpo"]["held_out"]
    asked = [each for combination in combinations() for each in questions(*combination)]
    left = choices + waiting
    for number in itertools.count():
        prompt = Prompt.new(
            [{"role": "user", "content": f"{chance.choice(asked)} ({number})"}],
            source="added", thread=f"thread {number}", split="train",
        )  # fmt: skip
        is_chosen = number < choices
        if not is_chosen and side_of(prompt.id, held_out) == "held_out":
            continue
        for _ in range(1 if is_chosen else min(2, left)):
            first, second = (_answer(prompt, n, _text(chance, words)) for n in range(2))
            yield prompt, (first, second), _pair(prompt, first, second)
            left -= 1
        if not left:
            return


def _answer(prompt: Prompt, n: int, text: str) -> Answer:
    return Answer(
        prompt_id=prompt.id, text=text, checkpoint="001-sft", checkpoint_hash="0" * 64,
        settings={"temperature": 1.0}, seed=0, n=n,
    )  # fmt: skip


def _pair(prompt: Prompt, first: Answer, second: Answer) -> Pair:
    return Pair(prompt_id=prompt.id, answer_a=first.id, answer_b=second.id, similarity=0.3)


def _text(chance: random.Random, words: tuple[int, int]) -> str:
    """Return sentences, no fewer words than were asked for, and no more than that many."""
    least, most = words
    wanted, said, length = chance.randint(least, most), list[str](), 0
    while length < wanted:
        sentence = chance.choice(_sentences())
        said.append(sentence)
        length += len(sentence.split())
    return " ".join(" ".join(said).split()[:most])


@cache
def _sentences() -> list[str]:
    chance = random.Random(2)
    voices = [random_voice(seed) for seed in range(6)]
    texts = [
        written(*chance.choice(combinations()), chance.choice(voices), chance)
        for _ in range(_STOCK)
    ]
    return [each for text in texts for each in re.split(r"(?<=[.!?]) ", text)]


@cache
def _note_words() -> list[str]:
    return [word for sentence in _sentences()[:400] for word in sentence.split()]


def _closed_messages(chance: random.Random) -> Iterator[Record]:
    """Yield a friend's messages, of words that stand nowhere else."""
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(9_000)]
    for number in range(_CLOSED):
        yield Record.new(
            kind="turn", source="telegram", origin="telegram/1", thread=f"chat {number // 25}",
            position=number, author="friend", is_owner=False, level="train-only", split="train",
            text=" ".join(chance.choices(words, k=chance.randint(1, 20))),
        )  # fmt: skip


def _lot(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Serve the stand-in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--batch-seconds", type=float, default=0.0)
    parser.add_argument("--batch-hits", type=float, default=0.8)
    parser.add_argument("--cache-minimum", type=int, default=4096)
    given = parser.parse_args()
    with serve(answer=verdict, keep_bodies=False, **vars(given)) as server:
        _sentences()
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
