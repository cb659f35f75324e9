"""The corpus of the demo base is the same everywhere and keeps back what it promises."""

import hashlib
import json
from itertools import islice

from align.demo.corpus import (
    CONTINUE_PROMPT,
    TITLED_PROMPT,
    UNSEEN,
    combinations,
    examples,
    last_sentence,
)
from align.demo.grammar import questions
from align.demo.topics import topic_of

# Changes with every change to the grammar; the shipped base is then to be trained again.
HASH_OF_300 = "0c6eeece62f273fafb65af5ff028bcb8a82bfd36689d09ca752475029aa89ff9"


def corpus_hash(seed: int, count: int) -> str:
    digest = hashlib.sha256()
    for example in examples(seed, count):
        line = json.dumps(example, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def test_the_corpus_of_a_seed_is_the_same_everywhere() -> None:
    assert corpus_hash(0, 300) == HASH_OF_300


def test_another_seed_gives_another_corpus() -> None:
    assert corpus_hash(1, 30) != corpus_hash(0, 30)


def test_a_longer_corpus_begins_with_the_shorter_one() -> None:
    assert list(examples(3, 20)) == list(islice(examples(3, 60), 20))


def test_about_one_combination_in_twenty_is_never_seen() -> None:
    assert 0.035 < len(UNSEEN) / len(combinations()) < 0.07
    forbidden = {q for topic, kind in UNSEEN for q in questions(topic, kind)}
    asked = {m["content"] for e in examples(0, 2000) for m in e["messages"] if m["role"] == "user"}
    # A question may be asked of two kinds in the same words; none of them is.
    assert not forbidden & asked


def test_conversations_alternate_and_end_with_an_answer() -> None:
    for example in examples(5, 300):
        roles = [m["role"] for m in example["messages"] if m["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert all(m["content"].strip() == m["content"] != "" for m in example["messages"])


def test_titled_and_continued_pieces_are_asked_for_in_the_agreed_words() -> None:
    assert TITLED_PROMPT == 'Write a piece titled "{title}".'
    assert CONTINUE_PROMPT == 'Continue "{title}" after: "{last_sentence}"'
    asked = [e["messages"][0]["content"] for e in examples(0, 400)]
    assert any(q.startswith("Write a piece titled ") for q in asked)
    assert any(q.startswith("Continue ") for q in asked)


def test_every_question_names_its_topic() -> None:
    for topic, kind in combinations():
        for asked in questions(topic, kind):
            assert topic_of(asked) == topic.key, asked


def test_the_last_sentence_of_a_paragraph_is_found() -> None:
    assert last_sentence("One. Two! Three?") == "Three?"
    assert last_sentence("Only one.") == "Only one."
