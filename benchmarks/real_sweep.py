"""Try values of a recipe: `python -m benchmarks.real_sweep --owners DIR --owner NAME`.

Each `--try` is the words of one run's command line; the first is what the others are held against.
All runs share the owner's archive, and DPO's one SFT twin, its pairs and its choices. What was
tried is kept; the table stands on the recipes' page.
"""

import argparse
import gc
import json
import os
import shlex
from contextlib import closing
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.harness import reported, write
from benchmarks.real_evaluation import WHO, Voices, question, said_name
from benchmarks.real_owners import machine_speed
from benchmarks.real_road import RealRoad, Size, owners_in
from scripts.generated_page import CHECKOUT

RESULTS = CHECKOUT / "benchmarks" / "results" / "real_sweeps"


def main() -> None:
    """Train with each of the values, measure each twin, and add it to the owner's table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_sweep", description=__doc__)
    parser.add_argument("--owners", type=Path, required=True, metavar="DIR")
    parser.add_argument("--owner", required=True, metavar="NAME")
    parser.add_argument("--stage", choices=("sft", "dpo"), default="sft")
    parser.add_argument("--try", action="append", dest="tries", default=[], metavar="WORDS")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/local/sweep"), metavar="DIR")
    parser.add_argument("--words", type=int, default=8_000, help="of the owner's, the newest")
    parser.add_argument("--pairs", type=int, default=150, help="for DPO")
    parser.add_argument("--choices", type=int, default=100, help="for DPO")
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    writing = owners_in(options.owners).get(options.owner)
    if writing is None:
        parser.error(f"no folder owner-{options.owner} in {options.owners}")
    root = options.work.resolve() / options.owner
    root.mkdir(parents=True, exist_ok=True)
    os.environ["SOUNDALIKE_ROOT"] = str(root)
    size = Size(options.words, options.pairs, (options.choices,), options.prompts, replies=False)
    road = RealRoad(root, options.owner, writing, size, options.seed)
    rows = sweep(road, options.stage, options.tries or [""])
    RESULTS.mkdir(parents=True, exist_ok=True)
    table = {
        "owner": road.known.name,
        "stage": options.stage,
        "words": options.words,
        "choices": options.choices if options.stage == "dpo" else 0,
        "speed": round(machine_speed()),
        "rows": rows,
    }
    file = RESULTS / f"{options.owner}-{options.stage}.json"
    file.write_text(json.dumps(table, indent=1) + "\n")
    write("real_sweep", [
        reported(f"{row['try'] or 'recipe'}: {name}", value)
        for row in rows for name, value in row.items() if isinstance(value, float)
    ], None)  # fmt: skip


def sweep(road: RealRoad, stage: str, tries: list[str]) -> list[dict[str, Any]]:
    """Return a row for each of the values tried, in their order; what was measured stays so."""
    from align.evaluation.voice_judge import fit_judge

    file = road.root / f"sweep-{stage}.json"
    done: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    road.read_in()
    voices = Voices(road)
    if stage == "dpo":
        road.sft()
        road.sample()
        road.choose(voices.stand_in(), road.size.choices[0])
    texts = voices.references
    judge = fit_judge(
        texts.owner.all, texts.others, texts.held_out.all, texts.others_held_out,
        cap_on=texts.held_out.all,
    )  # fmt: skip
    own = mean(judge.odds(list(texts.held_out.all)))
    before = ["sft"] if stage == "dpo" else []
    for words in [*before, *tries]:
        if words not in done:
            key = f"{stage} {words}"
            if words != "sft":
                road.train(stage, shlex.split(words), key)
            name = "001-sft" if words == "sft" else road.newest(stage)
            done[words] = _measured(road, judge, texts, name) | {
                "try": words, "seconds": road.road.seconds.get(key, 0.0), "owner's own": own,
            }  # fmt: skip
            file.write_text(json.dumps(done, ensure_ascii=False, indent=1))
    first = done[before[0] if before else tries[0]]
    return [tried_row(done[words], first, judge.cap) for words in [*before, *tries]]


def _measured(road: RealRoad, judge: Any, texts: Any, name: str) -> dict[str, Any]:
    """Return what one twin answers to held-out prompts and when asked who it is, and its odds."""
    from align.evaluation.evaluate import evaluation_request
    from align.evaluation.text_measures import repetition
    from align.evaluation.voice_judge import PromptedText
    from align.models.checkpoints import resolve
    from align.models.loading import load_model
    from align.sampling.sampling_plan import sampling_of
    from align.store.connection import open_store

    checkpoint = resolve(road.owner_id, name)
    sampling = sampling_of(checkpoint.sampling)
    with closing(open_store(road.owner_id)) as conn:
        request = evaluation_request(
            conn, road.owner_id, {name: checkpoint}, texts, prompts=road.size.prompts,
            sampling=sampling,
        )  # fmt: skip
    prompts = [prompt.text for prompt in request.prompts]
    model = load_model(checkpoint)
    asked = [question(text) for text in [*prompts, *WHO]]
    settings: dict[str, Any] = {"seed": road.seed, **sampling.as_dict()}
    said = [each[0] for each in model.generate(asked, **settings)]
    answers, who = said[: len(prompts)], said[len(prompts) :]
    lengths = [len(model.tokenizer.encode(text, add_special_tokens=False)) for text in answers]
    del model
    gc.collect()
    return {
        "metrics": road.lineage(name)["metrics"],
        "odds": judge.odds([PromptedText(t, p) for t, p in zip(answers, prompts, strict=True)]),
        "ended": mean(length < sampling.max_new_tokens - 4 for length in lengths),
        "words": mean(len(text.split()) for text in answers),
        "repetition": mean(map(repetition, answers)),
        "name": mean(said_name(text, road.known.name) for text in who),
        "texts": answers,
    }


def tried_row(tried: dict[str, Any], first: dict[str, Any], cap: float) -> dict[str, Any]:
    """Return a row of the table: figures only, no text; `over the first` has ties at the cap."""
    from align.evaluation.win_rates import ScoredAnswer, verdict, win_rate

    def scored(row: dict[str, Any]) -> list[ScoredAnswer]:
        return [
            ScoredAnswer(min(cap, odds), bool(text.strip()))
            for odds, text in zip(row["odds"], row["texts"], strict=True)
        ]

    won = win_rate([verdict(a, b) for a, b in zip(scored(tried), scored(first), strict=True)])
    metrics = tried["metrics"]
    measured = {
        "try": tried["try"],
        "steps": float(metrics["steps"]),
        "minutes": tried["seconds"] / 60,
        "held-out loss": metrics.get("held_out_loss"),
        "choices right": metrics.get("reward_accuracy"),
        "log-odds": mean(tried["odds"]),
        "owner's own": tried["owner's own"],
        "over the first": won.rate,
        "prompts": float(len(tried["odds"])),
        **{key: float(tried[key]) for key in ("ended", "name", "words", "repetition")},
    }
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in measured.items()}


if __name__ == "__main__":
    main()
