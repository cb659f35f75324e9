"""The model card: what a model was made of and how it did, in figures; no text of its owner's."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from yaml import YAMLError

from align.errors import UserError
from align.export import scrubbing
from align.export.agreement import Agreement
from align.models import lineage as lineages
from align.models.checkpoints import Checkpoint
from align.models.known_bases import known_base
from align.models.lineage import Lineage

FILE = "README.md"


def ancestry(checkpoint: Checkpoint) -> list[Lineage]:
    """Return the lineages from the first stage to the checkpoint's own, as far as they are here."""
    assert checkpoint.path is not None and checkpoint.lineage is not None
    stages = [checkpoint.lineage]
    while (parent := stages[0].parent) is not None:
        try:
            before = lineages.read(checkpoint.path.parent / Path(parent["name"]).name)
        except UserError:
            break
        if before.hash != parent["hash"]:
            break
        stages.insert(0, before)
    return stages


def licence_of(checkpoint: Checkpoint) -> str | None:
    """Return the base's licence, by the ladder's facts or by its own card; None where unknown."""
    known = known_base(checkpoint.base.hub_id)
    if known is not None and known.licence != "unknown":
        return known.licence
    from huggingface_hub import metadata_load

    try:
        metadata = metadata_load(checkpoint.base.path / FILE) or {}
    except (OSError, ValueError, YAMLError):
        return None
    licence = metadata.get("license")
    return licence if isinstance(licence, str) else None


def card(
    checkpoint: Checkpoint,
    kind: str,
    *,
    dtype: str,
    name: bool,
    agreement: Agreement | None,
    scorecard: Mapping[str, Any] | None,
) -> str:
    """Return the card's Markdown, of an export of a kind: `merged`, `full` or `adapter`.

    `dtype` is what the weights are stored as, `name` whether the owner's name may stand in it,
    `agreement` how near a merged model is to its adapter, and `scorecard` the `matches` and
    `measures` of one that this checkpoint is in.
    """
    stages = ancestry(checkpoint)
    last = stages[-1]
    title = f"A twin of {last.owner}" if name else "A twin"
    base, licence = scrubbing.base_name(checkpoint), licence_of(checkpoint)
    parts = [
        _metadata(checkpoint, kind, licence),
        f"# {title}",
        f"A language model that was trained to write like one person: {base}, "
        + " then ".join(stage.stage.upper() for stage in stages)
        + ". It learned from private writing, and what it says may repeat some of it. It is no "
        "person, and what it says is not that person's word.",
        _base(checkpoint, base, licence),
        "## Loading it",
        _loading(kind, dtype, checkpoint),
        "## How it was trained",
        *_stages(stages),
        *_gates(last),
        *_scorecard(scorecard),
    ]
    if agreement is not None:
        parts += ["## Checked", f"Reloaded and compared with the trained twin: {agreement}."]
    versions = ", ".join(f"{key} {value}" for key, value in sorted(last.versions.items()))
    parts += ["## Versions", f"{versions}. Twin `{last.hash[:16]}`, made {last.created[:10]}."]
    return "\n\n".join(parts) + "\n"


def _metadata(checkpoint: Checkpoint, kind: str, licence: str | None) -> str:
    """Return the YAML block that the hub reads."""
    from huggingface_hub import ModelCardData

    relation = "adapter" if kind == "adapter" else "finetune"
    metadata = ModelCardData(
        library_name="peft" if kind == "adapter" else "transformers",
        pipeline_tag="text-generation",
        tags=["soundalike", "trl", checkpoint.lineage.stage if checkpoint.lineage else "sft"],
        base_model=checkpoint.base.hub_id,
        base_model_relation=relation if checkpoint.base.hub_id else None,
        license=licence or None,
    )
    return f"---\n{metadata.to_yaml()}\n---"


def _base(checkpoint: Checkpoint, base: str, licence: str | None) -> str:
    revision = f", revision `{checkpoint.base.revision}`" if checkpoint.base.is_hub else ""
    terms = f"licence: {licence}, which holds for this model too" if licence else (
        "its licence is not known here, and holds for this model too: look it up before handing "
        "this on"
    )  # fmt: skip
    weights = checkpoint.base.source.get("weights")
    revision += f", its {weights}" if weights else ""
    return f"Base: {base}{revision} (SHA-256 `{checkpoint.base.hash[:16]}`); {terms}."


def _loading(kind: str, dtype: str, checkpoint: Checkpoint) -> str:
    name = "AutoPeftModelForCausalLM" if kind == "adapter" else "AutoModelForCausalLM"
    room = "peft" if kind == "adapter" else "transformers"
    where = (
        " The adapter's configuration names the base by its folder on the machine that trained it."
        if kind == "adapter" and not checkpoint.base.is_hub
        else ""
    )
    lines = [
        "```python",
        f"from {room} import {name}",
        "from transformers import AutoTokenizer",
        "",
        f'model = {name}.from_pretrained("FOLDER", dtype="{dtype}")',
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")',
        'asked = [{"role": "user", "content": "How was your day?"}]',
        "ids = tokenizer.apply_chat_template(",
        '    asked, add_generation_prompt=True, return_tensors="pt", return_dict=True',
        ")",
        "said = model.generate(**ids)[0, ids.input_ids.shape[1] :]",
        "print(tokenizer.decode(said, skip_special_tokens=True))",
        "```",
    ]
    return (
        "\n".join(lines) + "\n\nThe chat template writes what it was trained on; "
        f"`generation_config.json` holds its sampling and every token that ends an answer.{where}"
    )


def _stages(stages: Sequence[Lineage]) -> Iterable[str]:
    for stage in stages:
        rows = [
            ("recipe", scrubbing.recipe_name(stage)),
            ("rows trained on", stage.rows.get("train")),
            ("rows held out", stage.rows.get("held_out")),
            *((f"rows from {source}", count) for source, count in scrubbing.mix_of(stage).items()),
            ("seed", stage.seed),
        ]
        values = scrubbing.recipe_values(stage)
        metrics = scrubbing.numbers(stage.metrics)
        yield f"### {stage.stage.upper()}"
        yield _table(("what", ""), (row for row in rows if row[1] is not None))
        if metrics:
            yield _table(("measured in training", ""), sorted(metrics.items()))
        if values:
            yield _table(("recipe", ""), values.items())


def _gates(lineage: Lineage) -> Iterable[str]:
    gates = scrubbing.gates_of(lineage)
    if not gates:
        return
    yield "### Verdicts of a judge among the choices"
    head = ("judge", "model", "rows", "held to choices", "weight")
    keys = ("judge", "model", "rows", "choices", "weight")
    yield _table(head, ([gate.get(key, "unknown") for key in keys] for gate in gates.values()))


def _scorecard(scorecard: Mapping[str, Any] | None) -> Iterable[str]:
    if scorecard is None:
        yield "## Scorecard\n\nThis twin was not evaluated."
        return
    yield "## Scorecard"
    columns = list(dict.fromkeys(key for row in scorecard["measures"] for key in row["values"]))
    rows = (
        [row["name"], *(row["values"].get(column) for column in columns), row.get("owner")]
        for row in scorecard["measures"]
    )
    yield _table(("measure", *columns, "the owner's own writing"), rows)
    matches = [row for row in scorecard["matches"] if row["rate"] is not None]
    if matches:
        yield _table(
            ("first", "over", "by", "win rate", "95 % interval"),
            (
                [row["first"], row["second"], row["by"], row["rate"], _interval(row)]
                for row in matches
            ),
        )


def _interval(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}"


def _table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value).replace("|", "\\|").replace("\n", " ")
