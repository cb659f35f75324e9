"""The demo's benchmark turns roads into figures, and drives none that is kept."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import demo
from benchmarks.road import Road


def road(owner: str, seed: int, *, control: bool = False, dpo: float = 0.8) -> Road:
    def match(first: str, second: str, by: str, rate: float) -> dict[str, object]:
        return {"first": first, "second": second, "by": by, "rate": rate, "low": rate - 0.06}

    def measure(name: str, base: float, sft: float, dpo: float) -> dict[str, object]:
        return {"name": name, "values": {"base": base, "sft": sft, "dpo": dpo}}

    card = {
        "prompts": 240,
        "matches": [
            match("sft", "base", demo.VOICE, 0.9),
            match("dpo", "sft", demo.VOICE, dpo),
            match("dpo", "sft", demo.SIMULATED, 0.7),
        ],
        "measures": [
            measure("distance to the owner's habits", 0.12, 0.11, 0.07),
            measure("on topic", 0.97, 0.96, 0.95),
            measure("perplexity of neutral text", 1.6, 2.0, 2.5),
            measure("held-out reward accuracy", 0.0, 0.0, 0.65),
            measure("words", 35, 31, 38),
        ],
    }
    return Road(owner, seed, control, scorecard=card)


def test_means_are_over_roads_and_misses_are_told():
    roads = [road("demo", 0), road("demo", 1, dpo=0.6), road("demo", 0, control=True, dpo=0.5)]
    found = {row.name: row for row in demo.rows(roads)}
    assert found["demo: DPO over SFT"].value == pytest.approx(0.7)
    assert found["demo: DPO over SFT"].holds is False
    assert found["demo: DPO over SFT, lowest of the lower bounds"].value == pytest.approx(0.54)
    rise = found["demo: perplexity of neutral text, rise from SFT to DPO"]
    assert rise.value == pytest.approx(25) and rise.holds is False
    control = found["control on random choices: DPO over SFT, mean of the lower bounds"]
    assert control.value == pytest.approx(0.44) and control.holds is True


def test_a_road_that_is_kept_is_not_driven_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "roads.jsonl"
    kept.write_text(json.dumps(asdict(road("demo", 0))) + "\n")
    driven = []
    monkeypatch.setattr(demo, "_drive_one", lambda each: driven.append(each) or road(*each[:2]))
    demo.drive_all(1, 1, kept)
    assert driven == [("demo", 0, True)]
