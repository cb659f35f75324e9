"""Fine-tune a twin on the owner's writing.

accelerate launch --config_file recipes/accelerate/cpu.yaml -m align.sft --config recipes/demo/sft.yaml --owner demo
"""  # noqa: E501

import sys
from collections.abc import Sequence
from typing import Any

from align.console import duration, make_command, say
from align.paths import relative_to_root
from align.training.prepared_run import TrainingRun
from align.training.training_process import enter


def fine_tune(run: TrainingRun) -> None:
    """Train a fresh adapter, or every weight, on the owner's answers and publish the twin."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from align.training.arguments import arguments
    from align.training.policy import fresh_policy
    from align.training.preflight import on_tokens
    from align.training.publishing import publish_twin
    from align.training.tokenised import sft_tokens
    from align.training.tokenizer import tokenizer_for
    from align.training.tracking.reporter import finish
    from align.training.trainer_loop import seed_everything, train

    tokenizer = tokenizer_for(run)
    most = run.recipe.training.get("max_length", 1024)
    rows, held_out = (
        sft_tokens(tokenizer, side, most) for side in (run.rows.train, run.rows.held_out)
    )
    on_tokens(run, tokenizer, rows.rows)
    args = arguments(SFTConfig, run)
    if not args.packing:
        args.dataset_kwargs = {"skip_prepare_dataset": True}
    seed_everything(run)
    trainer = SFTTrainer(
        fresh_policy(run, tokenizer, args),
        args=args,
        train_dataset=Dataset.from_list(rows.rows),
        eval_dataset=Dataset.from_list(held_out.rows) if held_out.rows else None,
        processing_class=tokenizer,
    )
    metrics: dict[str, Any] = train(trainer, run)
    metrics |= {"shortened_rows": rows.shortened, "dropped_rows": rows.dropped}
    if held_out.rows:
        metrics["held_out_loss"] = trainer.evaluate()["eval_loss"]
    metrics |= finish(trainer, run, metrics)
    folder = publish_twin(trainer, tokenizer, run, metrics)
    if folder is not None:
        report(run, metrics)
        following = make_command("sample", run.owner_id)
        say(f"sft: {relative_to_root(folder)} is ready. Next: {following}")


def report(run: TrainingRun, metrics: dict[str, Any]) -> None:
    """Say how training went, in the words of its metrics."""
    mix = ", ".join(f"{count} {source}" for source, count in run.rows.mix.items())
    say(f"sft: {len(run.rows.train)} rows ({mix}), {metrics['steps']} steps, "
        f"{duration(metrics['seconds'])}")  # fmt: skip
    if metrics["dropped_rows"] or metrics["shortened_rows"]:
        say(f"sft: {metrics['shortened_rows']} rows lost their oldest turns to max_length, "
            f"{metrics['dropped_rows']} were left out")  # fmt: skip
    if "last_loss" in metrics:
        say(f"sft: loss {metrics['first_loss']:.3f} → {metrics['last_loss']:.3f}"
            + (f", held out {metrics['held_out_loss']:.3f}" if "held_out_loss" in metrics else "")
        )  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Run `align.sft` with the words of the command line and return the exit code."""
    return enter("sft", sys.argv[1:] if words is None else words, fine_tune)


if __name__ == "__main__":
    sys.exit(main())
