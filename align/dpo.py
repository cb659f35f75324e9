"""Train the twin on the choices, on the SFT twin's own adapter, with that twin as reference.

accelerate launch --config_file recipes/accelerate/cpu.yaml -m align.dpo --config recipes/demo/dpo.yaml --owner demo
"""  # noqa: E501

import sys
from collections.abc import Sequence

from align.console import make_command, say
from align.paths import relative_to_root
from align.training.entry import enter
from align.training.run import Run


def prefer(run: Run) -> None:
    """Train the adapter to prefer what was chosen and publish it."""
    from datasets import Dataset
    from peft import PeftModel
    from trl import DPOConfig

    from align.training.arguments import arguments, model_settings
    from align.training.fit import seed_everything, train
    from align.training.preference_report import pair_metrics, report
    from align.training.publishing import publish_twin
    from align.training.tokenised import dpo_tokens
    from align.training.weighting import WeightedCollator, WeightedDPOTrainer, scaled_weights
    from align.twins import load_base, load_tokenizer

    assert run.parent is not None and run.parent.path is not None
    tokenizer = load_tokenizer(run.parent.path)
    most = run.recipe.training.get("max_length", 1024)
    rows, held_out = (
        dpo_tokens(tokenizer, side, most) for side in (run.rows.train, run.rows.held_out)
    )
    weights = scaled_weights([row["weight"] for row in rows.rows])
    for row, weight in zip(rows.rows, weights, strict=True):
        row["weight"] = weight
    args = arguments(DPOConfig, run)
    seed_everything(run)
    base = load_base(run.base, **model_settings(run))
    trainer = WeightedDPOTrainer(
        PeftModel.from_pretrained(base, run.parent.path, is_trainable=True),
        reference=run.parent.name,
        args=args,
        data_collator=WeightedCollator(pad_token_id=tokenizer.pad_token_id),
        train_dataset=Dataset.from_list(rows.rows),
        eval_dataset=Dataset.from_list(held_out.rows) if held_out.rows else None,
        processing_class=tokenizer,
    )
    metrics = train(trainer, run)
    metrics |= {"shortened_rows": rows.shortened, "dropped_rows": rows.dropped}
    if held_out.rows:
        trainer.evaluate()
        metrics |= pair_metrics(trainer.pair_rewards)
    folder = publish_twin(trainer, tokenizer, run, metrics)
    if folder is not None:
        report(run, metrics)
        following = make_command("evaluate", run.owner)
        say(f"dpo: {relative_to_root(folder)} is ready. Next: {following}")


def main(words: Sequence[str] | None = None) -> int:
    """Run `align.dpo` with the words of the command line and return the exit code."""
    return enter("dpo", sys.argv[1:] if words is None else words, prefer)


if __name__ == "__main__":
    sys.exit(main())
