"""Owners' files are of the kinds a real owner has, complete and up to date."""

import json
import statistics
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from align.demo.owners import (
    DEMO,
    demo_owner,
    is_held_out,
    owner_files,
    split,
    thread,
    write_owner,
)

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "demo"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return owner_files(DEMO)


def rows(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_shipped_files_are_up_to_date(files: dict[str, str]) -> None:
    """Make them again with `python -m align.demo.owners --out data/demo`."""
    for name, text in files.items():
        assert (SHIPPED / name).read_text(encoding="utf-8") == text, name
    posts = {f"writing/posts/{p.name}" for p in (SHIPPED / "writing" / "posts").iterdir()}
    assert posts == {name for name in files if name.startswith("writing/posts/")}


def test_owner_yaml_says_who_it_is(files: dict[str, str]) -> None:
    data = yaml.safe_load(files["owner.yaml"])
    assert set(data) == {"name", "aliases", "facts", "held_out", "held_out_by", "mix"}
    assert 4 <= len(data["facts"]) <= 6
    assert data["name"] == DEMO.name
    assert data["held_out"] == 0.2


def test_there_are_250_to_400_pieces_of_two_kinds(files: dict[str, str]) -> None:
    chats = rows(files["writing/chats.jsonl"])
    posts = [name for name in files if name.endswith(".md")]
    assert 250 <= len(chats) + len(posts) <= 400
    assert len(chats) >= 200 and len(posts) >= 50
    assert all(set(row) == {"thread", "time", "question", "answer"} for row in chats)
    times = [datetime.fromisoformat(row["time"]) for row in chats]
    assert times == sorted(times)
    assert len({row["thread"] for row in chats}) == len(chats)


def test_posts_have_a_title_and_a_date(files: dict[str, str]) -> None:
    for name, text in files.items():
        if name.endswith(".md"):
            _, front, body = text.split("---\n", 2)
            data = yaml.safe_load(front)
            assert set(data) == {"title", "date"}
            assert Path(name).name.startswith(str(data["date"]))
            assert body.strip()


def test_prompts_suffice_on_both_sides_of_the_split(files: dict[str, str]) -> None:
    prompts = rows(files["prompts.jsonl"])
    held_out = [row for row in prompts if is_held_out(row["thread"])]
    assert len(held_out) >= 240
    assert len(prompts) - len(held_out) >= 500
    assert len({row["prompt"] for row in prompts}) == len(prompts)


def test_what_is_prompted_for_training_was_never_chatted_about(files: dict[str, str]) -> None:
    prompts = {row["thread"] for row in rows(files["prompts.jsonl"])}
    chats = {row["thread"] for row in rows(files["writing/chats.jsonl"])}
    assert all(is_held_out(name) for name in prompts & chats)


def test_the_split_covers_everything_once() -> None:
    groups = split()
    names = [thread(*each) for group in groups for each in group]
    assert len(names) == len(set(names))
    shares = [len(group) / len(names) for group in groups]
    assert [round(share, 1) for share in shares] == pytest.approx([0.45, 0.35, 0.2], abs=0.06)


def test_registers_are_mixed(files: dict[str, str]) -> None:
    marked = [
        row["answer"].count(";") + row["answer"].count(" - ")
        for row in rows(files["writing/chats.jsonl"])
    ]
    assert 0.3 < statistics.fmean(count > 0 for count in marked) < 0.9


def test_writing_again_removes_what_is_no_longer_theirs(tmp_path: Path) -> None:
    write_owner(demo_owner(1), tmp_path)
    write_owner(demo_owner(2), tmp_path)
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert written == set(owner_files(demo_owner(2)))
