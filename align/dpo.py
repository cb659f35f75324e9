"""Train the twin on the choices, from the SFT twin's own weights on, with it as reference.

accelerate launch --config_file recipes/accelerate/cpu.yaml -m align.dpo --config recipes/demo/dpo.yaml --owner demo
"""  # noqa: E501

import sys
from collections.abc import Sequence

from align.training.prepared_run import TrainingRun
from align.training.training_process import enter


def train_dpo(run: TrainingRun) -> None:
    """Train the parent's weights to prefer what was chosen and publish them."""
    from trl import DPOConfig

    from align.models.loading import load_tokenizer
    from align.training.arguments import trainer_arguments
    from align.training.length_order import longest_first, order_by_length
    from align.training.policy import frozen_reference, policy_of_parent
    from align.training.preflight.checks import on_tokens
    from align.training.publishing import publish_run
    from align.training.tokenised import dpo_tokens
    from align.training.trainer_loop import seed_everything, train
    from align.training.training_report import pair_metrics
    from align.training.weighted_dpo import WeightedCollator, WeightedDPOTrainer, scaled_weights

    assert run.parent is not None and run.parent.path is not None
    tokenizer = load_tokenizer(run.parent.path)
    max_length = run.recipe.training.get("max_length", 1024)
    rows = dpo_tokens(tokenizer, run.rows.train, max_length)
    held_out = dpo_tokens(tokenizer, run.rows.held_out, max_length)
    weights = scaled_weights([row["weight"] for row in rows.rows])
    for row, weight in zip(rows.rows, weights, strict=True):
        row["weight"] = weight
    on_tokens(run, tokenizer, rows.rows)
    args = trainer_arguments(DPOConfig, run)
    longest_first(args, rows, held_out)
    seed_everything(run)
    trainer = WeightedDPOTrainer(
        policy_of_parent(run, tokenizer, args),
        frozen_reference(run, args),
        reference=run.parent.name,
        args=args,
        data_collator=WeightedCollator(pad_token_id=tokenizer.pad_token_id),
        train_dataset=rows.dataset(),
        eval_dataset=held_out.dataset(),
        processing_class=tokenizer,
    )
    order_by_length(trainer, [rows.length(row) for row in rows.rows])
    metrics = train(trainer, run) | rows.metrics
    if held_out.rows:
        trainer.evaluate()
        metrics |= pair_metrics(trainer.pair_rewards)
    publish_run(trainer, tokenizer, run, metrics)


def main(words: Sequence[str] | None = None) -> int:
    """Run `align.dpo` with the words of the command line and return the exit code."""
    return enter("dpo", sys.argv[1:] if words is None else words, train_dpo)


if __name__ == "__main__":
    sys.exit(main())
