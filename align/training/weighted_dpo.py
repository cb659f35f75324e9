"""DPO in which a pair's weight reaches the loss; TRL 1.16 drops the column without a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from trl import DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from align.errors import UserError
from align.training.alarms import no_number

# These sort the rewards of a batch: a pair has no loss of its own that a weight could scale.
BATCH_COUPLED = ("aot", "aot_unpaired")
TOLERANCE = 1e-4


def scaled_weights(weights: Sequence[float]) -> list[float]:
    """Return the weights scaled to mean 1, so that the learning rate keeps its meaning.

    Once over the whole training set: dividing by a micro-batch's sum would cancel them at batch 1.
    """
    mean = sum(weights) / len(weights)
    return [weight / mean for weight in weights]


def weighted_sigmoid_loss(
    chosen_rewards: torch.Tensor, rejected_rewards: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return mean(w * -log sigmoid(margin)), after Rafailov et al. 2023, eq. 7.

    Rewards are beta * (log pi - log pi_ref) of the answers, (B,); weights are of mean 1 over the
    training set, (B,).
    """
    return (weights * -F.logsigmoid(chosen_rewards - rejected_rewards)).mean()


def answer_log_probs(
    log_probs: torch.Tensor, completion_mask: torch.Tensor, ld_alpha: float | None
) -> torch.Tensor:
    """Return each answer's summed log-prob, (2B,), the chosen before the rejected.

    `log_probs` are of each next token, zero outside the answers, (2B, T - 1); the mask is 1 on the
    answers, (2B, T). `ld_alpha` weighs the tokens beyond the shorter answer's length (Liu et al.
    2024, arXiv 2409.06411); None counts all alike.
    """
    if ld_alpha is None:
        return log_probs.sum(1)
    mask = completion_mask[:, 1:]
    shared = torch.minimum(*mask.sum(1).chunk(2)).repeat(2)[:, None]
    beyond = mask.cumsum(1) > shared
    return (log_probs * torch.where(beyond, ld_alpha, 1.0)).sum(1)


@dataclass
class WeightedCollator(DataCollatorForPreference):
    """TRL's collator, with the weights beside the tokens."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a batch with `weight`, (B,), beside TRL's tensors, (2B, T)."""
        batch = super().torch_call(examples)
        batch["weight"] = torch.tensor([example["weight"] for example in examples])
        return batch


@dataclass(frozen=True)
class StepSize:
    """How large a micro-batch is on average over one optimiser step: all ranks and accumulation.

    TRL averages over each micro-batch, and those averages alike; a small micro-batch would count
    as much as a large one, and the batch size per device would change what is learned.
    """

    pairs: float = 0.0  # mean number of pairs; 0 where the step is not known
    tokens: float = 0.0  # mean number of tokens in the chosen answers

    def scaled(self, weights: Sequence[float], losses: Sequence[str], inputs: Any) -> list[float]:
        """Return the weights of the losses by which the step's mean is one over all its parts.

        Of `sft` the parts are tokens, of every other loss pairs.
        """
        if not self.pairs:
            return list(weights)
        pairs, tokens = _size(inputs).tolist()
        by_pairs, by_tokens = pairs / self.pairs, tokens / self.tokens
        return [
            weight * (by_tokens if loss == "sft" else by_pairs)
            for weight, loss in zip(weights, losses, strict=True)
        ]


class WeightedDPOTrainer(DPOTrainer):
    """TRL's trainer over rows {prompt_ids, chosen_ids, rejected_ids, weight}.

    A weight scales the gradient that flows back into its pair's log-probs, which is the gradient
    of the weighted loss for every loss that is a mean over pairs. Losses are means over the whole
    optimiser step, however it is divided into micro-batches. The first micro-batch also proves that
    the reference is the model that training starts from.
    """

    loss_weights: list[float]

    def __init__(self, *args: Any, reference: str = "the twin it starts from", **kwargs: Any):
        # Else the weights' column would be one of them.
        kwargs["args"].remove_unused_columns = False
        super().__init__(*args, **kwargs)
        coupled = [name for name in self.loss_types if name in BATCH_COUPLED]
        if coupled and any(weight != 1.0 for weight in self.train_dataset["weight"]):
            raise UserError(
                f"loss_type {coupled[0]}", "it can't weigh pairs", "Choose another, or weights of 1"
            )
        self._cached = self.args.precompute_ref_log_probs
        # `_compute_loss` below always brings the reference's log-probs along.
        self.precompute_ref_logps = True
        self._reference = reference
        self._checked = False
        self._recipe_weights = self.loss_weights
        self._step = StepSize()
        self.pair_rewards: list[tuple[float, float]] = []

    def _prepare_dataset(self, dataset: Any, *args: Any) -> Any:
        return dataset  # align.models.chat_template rendered it

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        # The cache file must be one that all ranks see. It lies in the folder of this very run, so
        # it can't be stale, which TRL's own can: its key knows neither ld_alpha nor max_length.
        folder = self.args.output_dir
        dataset._get_cache_file_path = lambda key: f"{folder}/reference-{name}-{key}.arrow"
        return super()._precompute_ref_logps(dataset, name, batch_size)

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """Return the micro-batches of one optimiser step, and remember how large the step is."""
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)
        if batches:
            sizes = torch.stack([_size(batch) for batch in batches]).to(self.args.device)
            mean = self.accelerator.gather(sizes).float().mean(0)
            self._step = StepSize(*mean.tolist())
        return batches, items

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
        """Return the reference's log-probs, chosen and rejected, (B,) each."""
        return super().compute_ref_log_probs(model, _without_weight(inputs))

    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
        weights = inputs["weight"]
        inputs = _without_weight(inputs)
        first = self.model.training and not self._checked and self.state.global_step == 0
        live = None
        if first or not self._cached:
            live = self.compute_ref_log_probs(self.ref_model or self.model, inputs)
        if not self._cached and live is not None:
            inputs["ref_chosen_logps"], inputs["ref_rejected_logps"] = live
        if self.model.training:
            self.loss_weights = self._step.scaled(self._recipe_weights, self.loss_types, inputs)
        else:
            self.loss_weights = self._recipe_weights
        seen: dict[str, torch.Tensor] = {}

        def weighing(**kwargs: Any) -> Any:
            outputs = model(**kwargs)
            seen["log_probs"] = outputs.log_probs
            if outputs.log_probs.requires_grad:
                scale = torch.cat([weights, weights])[:, None]
                outputs.log_probs.register_hook(lambda gradient: gradient * scale)
            return outputs

        loss = super()._compute_loss(weighing, inputs, return_outputs)
        policy = seen["log_probs"].detach()[:, -(inputs["completion_mask"].shape[1] - 1) :]
        if first and live is not None:
            self._check(policy, inputs, live)
        self._log_weighted_loss(policy, inputs, weights)
        plain = loss[0] if return_outputs else loss
        # A loss of all ranks: where one stopped alone, nobody would say why.
        if not torch.isfinite(self.accelerator.gather(plain.detach())).all():
            raise no_number("dpo", self.state.global_step, "the loss is not a number any more")
        return loss

    def _check(self, log_probs: torch.Tensor, inputs: Any, live: Any) -> None:
        """Hold the policy against the reference, both from this batch: equal to the last bit."""
        self._checked = True
        sums = answer_log_probs(log_probs, inputs["completion_mask"], self.ld_alpha)
        reference = torch.cat(live)
        rewards = (self.beta * (sums - reference).float()).view(2, -1)
        # Of all ranks, here and below: where one stopped alone, nobody would say why.
        chosen, rejected = self.accelerator.gather(rewards.T.contiguous()).T
        check_reference(chosen.tolist(), rejected.tolist(), reference=self._reference)
        if self._cached:
            cached = torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
            half = self.args.bf16 or self.args.fp16 or self.model.dtype != torch.float32
            both = torch.stack([cached.to(reference), reference], dim=1)
            kept, now = self.accelerator.gather(both).T
            check_cached(kept.tolist(), now.tolist(), half=half)

    def _log_weighted_loss(
        self, log_probs: torch.Tensor, inputs: Any, weights: torch.Tensor
    ) -> None:
        """Log the weighted loss beside TRL's own; in evaluation keep each pair's rewards."""
        reference = torch.cat([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        sums = answer_log_probs(log_probs, inputs["completion_mask"], self.ld_alpha)
        chosen, rejected = (self.beta * (sums - reference.to(sums.device)).float()).chunk(2)
        mode = "train" if self.model.training else "eval"
        local = weighted_sigmoid_loss(chosen, rejected, weights)
        gathered = self.accelerator.gather_for_metrics(local)
        self._metrics[mode]["loss/weighted"].append(gathered.mean().item())
        if mode == "eval":
            both = self.accelerator.gather_for_metrics((chosen.contiguous(), rejected.contiguous()))
            self.pair_rewards += zip(both[0].tolist(), both[1].tolist(), strict=True)


def check_reference(
    chosen_rewards: Sequence[float], rejected_rewards: Sequence[float], *, reference: str
) -> None:
    """Stop a run whose reference is not the model it starts from, named by `reference`.

    At step 0 every reward, beta * (log pi - log pi_ref) (Rafailov et al. 2023, eq. 5), (B,) of the
    chosen and of the rejected, is zero, and with it every margin; the sigmoid loss is ln 2. The
    logged loss would hide it: other terms are in it. UserError: a reward or a margin is 1e-4 or
    more, or not a number.
    """
    margins = [c - r for c, r in zip(chosen_rewards, rejected_rewards, strict=True)]
    sizes = [abs(value) for value in (*chosen_rewards, *rejected_rewards, *margins)]
    if all(size < TOLERANCE for size in sizes):
        return
    worst = max(sizes)
    raise UserError(
        "dpo, step 0",
        f"policy and reference differ before training (largest |reward| or margin {worst:.4g}, "
        f"not below {TOLERANCE:g}), so the reference is not {reference}",
        "With dropout set disable_dropout: true; else this is a bug worth reporting",
    )


def check_cached(cached: Sequence[float], live: Sequence[float], *, half: bool) -> None:
    """Stop where precomputed reference log-probs are another model's than the reference's.

    Padding moves float sums a little, in half precision more; a wrong model moves them by nats.
    """
    slack = 0.02 if half else 0.001
    for old, new in zip(cached, live, strict=True):
        if not abs(old - new) <= slack * (1 + abs(new)):
            raise UserError(
                "dpo, step 0",
                f"the cached log-probs of the reference are not its own ({old:.4f}, now {new:.4f})",
                "Remove the run's work folder under checkpoints, and repeat",
            )


def _size(inputs: Any) -> torch.Tensor:
    """Return how many pairs a batch holds, and tokens in its chosen answers, (2,)."""
    chosen = inputs["completion_mask"].chunk(2)[0][:, 1:]
    return torch.stack([torch.tensor(len(chosen), device=chosen.device), chosen.sum()])


def _without_weight(inputs: Any) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != "weight"}
