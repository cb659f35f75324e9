"""Train the twin on the choices, from the SFT twin's own weights on, with it as reference.

accelerate launch --config_file recipes/accelerate/cpu.yaml -m align.dpo --config recipes/demo/dpo.yaml --owner demo
"""  # noqa: E501

import sys
from collections.abc import Sequence

from align.console import make_command, say
from align.paths import relative_to_root
from align.training.prepared_run import TrainingRun
from align.training.training_process import enter


def prefer(run: TrainingRun) -> None:
    """Train the parent's weights to prefer what was chosen and publish the twin."""
    from datasets import Dataset
    from trl import DPOConfig

    from align.models.loading import load_tokenizer
    from align.training.arguments import arguments
    from align.training.policy import frozen_reference, policy_of_parent
    from align.training.preference_report import pair_metrics, report
    from align.training.preflight import on_tokens
    from align.training.publishing import publish_twin
    from align.training.tokenised import dpo_tokens
    from align.training.tracking.reporter import finish
    from align.training.trainer_loop import seed_everything, train
    from align.training.weighted_dpo import WeightedCollator, WeightedDPOTrainer, scaled_weights

    assert run.parent is not None and run.parent.path is not None
    tokenizer = load_tokenizer(run.parent.path)
    most = run.recipe.training.get("max_length", 1024)
    rows, held_out = (
        dpo_tokens(tokenizer, side, most) for side in (run.rows.train, run.rows.held_out)
    )
    weights = scaled_weights([row["weight"] for row in rows.rows])
    for row, weight in zip(rows.rows, weights, strict=True):
        row["weight"] = weight
    on_tokens(run, tokenizer, rows.rows)
    args = arguments(DPOConfig, run)
    seed_everything(run)
    trainer = WeightedDPOTrainer(
        policy_of_parent(run, tokenizer, args),
        frozen_reference(run, args),
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
    metrics |= finish(trainer, run, metrics)
    folder = publish_twin(trainer, tokenizer, run, metrics)
    if folder is not None:
        report(run, metrics)
        following = make_command("evaluate", run.owner_id)
        say(f"dpo: {relative_to_root(folder)} is ready. Next: {following}")


def main(words: Sequence[str] | None = None) -> int:
    """Run `align.dpo` with the words of the command line and return the exit code."""
    return enter("dpo", sys.argv[1:] if words is None else words, prefer)


if __name__ == "__main__":
    sys.exit(main())
