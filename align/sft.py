"""Fine-tune a twin on the owner's writing.

accelerate launch --config_file recipes/accelerate/cpu.yaml -m align.sft --config recipes/demo/sft.yaml --owner demo
"""  # noqa: E501

import sys
from collections.abc import Sequence

from align.training.prepared_run import TrainingRun
from align.training.training_process import enter


def train_sft(run: TrainingRun) -> None:
    """Train a fresh adapter, or every weight, on the owner's answers and publish it."""
    from trl import SFTConfig, SFTTrainer

    from align.training.arguments import trainer_arguments
    from align.training.length_order import longest_first, order_by_length
    from align.training.policy import fresh_policy, tokenizer_of_base
    from align.training.preflight.checks import on_tokens
    from align.training.publishing import publish_run
    from align.training.tokenised import sft_tokens
    from align.training.trainer_loop import seed_everything, train

    tokenizer = tokenizer_of_base(run)
    max_length = run.recipe.training.get("max_length", 1024)
    rows = sft_tokens(tokenizer, run.rows.train, max_length)
    held_out = sft_tokens(tokenizer, run.rows.held_out, max_length)
    on_tokens(run, tokenizer, rows.rows)
    args = trainer_arguments(SFTConfig, run)
    if not args.packing:
        args.dataset_kwargs = {"skip_prepare_dataset": True}
    longest_first(args, rows, held_out)
    seed_everything(run)
    trainer = SFTTrainer(
        fresh_policy(run, tokenizer, args),
        args=args,
        train_dataset=rows.dataset(),
        eval_dataset=held_out.dataset(),
        processing_class=tokenizer,
    )
    order_by_length(trainer, [rows.length(row) for row in rows.rows])
    metrics = train(trainer, run) | rows.metrics
    if held_out.rows:
        metrics["held_out_loss"] = trainer.evaluate()["eval_loss"]
    publish_run(trainer, tokenizer, run, metrics)


def main(words: Sequence[str] | None = None) -> int:
    """Run `align.sft` with the words of the command line and return the exit code."""
    return enter("sft", sys.argv[1:] if words is None else words, train_sft)


if __name__ == "__main__":
    sys.exit(main())
