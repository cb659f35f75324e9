"""The benchmark of real owners: what it takes of a folder, who chooses, and what it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import real_page, real_sweep
from benchmarks.real_owners import rows as real_rows
from benchmarks.real_road import known, newest_files, owners_in
from benchmarks.stand_in import StandIn, fit_stand_in
from scripts import write_recipe_page


def test_a_real_owners_newest_files_are_taken_up_to_the_words(tmp_path: Path) -> None:
    for year in range(2010, 2020):
        (tmp_path / f"{year}.txt").write_text("word " * 1000)
    names = [path.stem for path in newest_files(tmp_path, 6300)]
    assert names == ["2019", "2018", "2017", "2016", "2015", "2014", "2013"]
    assert len(newest_files(tmp_path, 10)) == 6


def test_owners_are_the_folders_that_are_named_so(tmp_path: Path) -> None:
    for folder in ("owner-ann", "chats/owner-ben", "chats/others/cleo", "letters"):
        (tmp_path / folder).mkdir(parents=True)
    assert list(owners_in(tmp_path)) == ["ben", "ann"]
    assert list(known("ben", tmp_path / "chats" / "owner-ben").others) == ["cleo"]


def test_the_stand_in_knows_its_owner_and_is_not_won_by_more_of_the_same() -> None:
    own = [f"Well, I would not, mind you, go there; number {n} is mine." for n in range(30)]
    others = [f"Sure! Let me list the facts about {n} for you now." for n in range(30)]
    stand_in = fit_stand_in(own, others)
    assert stand_in.choose(own[0], others[0], coin=False) == "a"
    assert stand_in.choose(others[0], own[0], coin=True) == "b"
    # Two answers beyond the owner's own level sound alike: only the coin decides.
    level = StandIn(stand_in.classifier, -100.0)
    assert [level.choose(own[0], own[1], coin) for coin in (True, False)] == ["a", "b"]


def real_result(**changes: Any) -> dict[str, Any]:
    match = {"first": "sft", "second": "base", "by": "voice judge", "rate": 0.8, "low": 0.7}
    return {
        "name": "Ann Oak",
        "seconds": {"sft": 600.0, "sample": 60.0, "evaluate": 60.0},
        "peak_gb": 3.0,
        "speed": 220.0,
        "threads": 2,
        "odds": {"owner": 2.0, "base": -2.0, "prompted": 0.0, "sft": 1.0},
        "ended": {"base": 0.2, "prompted": 0.4, "sft": 0.99},
        "overshoot": {"sft": {}},
        "more": {
            "prompts": ["Tea?"],
            "base": {"who": ["I am SmolLM."] * 30, "shown": ["Yes."]},
            "sft": {"who": ["Ann Oak."] * 30, "shown": ["Yes, mind you."]},
        },
        "scorecard": {"prompts": 40, "matches": [match], "measures": []},
        "size": {"words": 100, "pairs": 10, "choices": [5], "prompts": 40},
    } | changes


def test_a_real_owners_figures_hold_or_miss_and_minutes_are_the_reference_machines() -> None:
    rows = {row.name: row for row in real_rows("ann", real_result())}
    assert rows["ann: sft"].value == 20.0  # ten minutes, on a machine that is twice as fast
    assert rows["ann: sft"].holds is False
    assert rows["ann: sft over base"].holds is False
    assert rows["ann: SFT's distance to the owner's log-odds, of base's"].value == 0.25
    assert rows["ann: the owner's name, sft"].holds is True
    assert rows["ann: the owner's name, base"].holds is None
    assert rows["ann: the base's maker named, sft"].holds is True
    assert "ann: sft over prompted" not in rows


def test_what_a_real_owners_road_misses_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_page, "RESULTS", tmp_path)
    said = {"who": ["Ann"] * 30, "shown": ["`<b>`\nx " * 99]}
    more = real_result()["more"] | {"sft": said}
    (tmp_path / "ann.json").write_text(json.dumps(real_result(more=more)))
    page = real_page.page()
    assert page.index("ann: sft over base") < page.index("## Ann Oak")
    line = next(line for line in page.splitlines() if line.startswith("- sft:"))
    assert line.count("`") == 2
    assert len(line) < 420


def test_what_was_tried_is_held_against_the_first_and_no_answer_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried(words: str, odds: list[float], loss: float) -> dict[str, Any]:
        metrics = {"steps": 9, "held_out_loss": loss, "reward_accuracy": None}
        texts = [f"said by {words}"] * len(odds)
        measured = {"ended": 1.0, "name": 0.5, "words": 3.0, "repetition": 0.0}
        return {"try": words, "seconds": 90.0, "owner's own": 2.0, "metrics": metrics,
                "odds": odds, "texts": texts, **measured}  # fmt: skip

    first = tried("--lora_r 8", [0.0, 0.0, 3.0, 3.0], 2.5)
    # At the cap both sound like the owner; an empty answer wins nothing.
    other = tried("--lora_r 64", [1.0, 1.0, 9.0, 9.0], 2.25)
    other["texts"][1] = " "
    rows = [real_sweep.tried_row(each, first, 2.0) for each in (first, other)]
    assert [row["over the first"] for row in rows] == [0.5, 0.5]
    sweep = {"owner": "Ann Oak", "stage": "sft", "words": 800, "choices": 0, "rows": rows}
    (tmp_path / "ann-sft.json").write_text(json.dumps(sweep))
    monkeypatch.setattr(write_recipe_page, "SWEEPS", tmp_path)
    page = write_recipe_page.page()
    assert "| `--lora_r 64` | 9 | 1.5 | 2.25 | 5 | 0.5 | 1 | 0.5 | 3 | 0 |" in page
    assert "said by" not in page
