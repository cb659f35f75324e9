"""Small stores of pairs to label."""

import sqlite3
from pathlib import Path

from align.store.answers import Answer, add_answers
from align.store.connection import connect
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, add_prompts

TOPICS = ["bread", "rivers", "chess", "tea", "trains", "maps", "bees", "rain", "wool", "stars"]


def store_of_pairs(path: Path, n: int, *, each_prompt: int = 1) -> sqlite3.Connection:
    """Write a store of `n` pairs, `each_prompt` to a prompt, answered by 001-sft."""
    conn = connect(path, create=True)
    prompts, answers, pairs = [], [], []
    for i in range(n):
        topic = f"{TOPICS[i // each_prompt % len(TOPICS)]} {i // each_prompt}"
        prompt = Prompt.new(
            [{"role": "user", "content": f"What of {topic}?"}],
            source="added",
            thread=f"thread {topic}",
            split="train",
        )
        first, second = (
            Answer.new(
                prompt_id=prompt.id,
                text=text,
                checkpoint="001-sft",
                checkpoint_hash="feed",
                settings={"temperature": 1.0},
                seed=i,
                n=k,
            )
            for k, text in enumerate((f"Well, {topic}, I say {i}.", f"Nobody asked me about {i}!"))
        )
        prompts.append(prompt)
        answers += [first, second]
        pairs.append(
            Pair.new(prompt_id=prompt.id, answer_a=first.id, answer_b=second.id, similarity=0.2)
        )
    add_prompts(conn, prompts)
    add_answers(conn, answers)
    add_pairs(conn, pairs)
    return conn
