"""All that the measures compare: answers of each checkpoint, reference texts, the voice judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from align.evaluation.perplexity import TextLikelihoods
from align.evaluation.reference_texts import ReferenceTexts
from align.evaluation.text_measures import repetition
from align.evaluation.voice_judge import PromptedText, VoiceJudge
from align.evaluation.win_rates import ScoredAnswer
from align.models.checkpoints import Checkpoint
from align.sampling.sampling_plan import Sampling
from align.statistics import quantile
from align.store.ids import content_id
from align.store.prompts import Prompt

# An answer that repeats more than this share of itself is no win, unless the owner does so too.
REPETITIVE = 0.15
# Raised when a measure changes, so that old scorecards are not taken for new ones.
MEASURES = 2


@dataclass(frozen=True)
class EvaluationRequest:
    """What is to be evaluated."""

    owner_id: str  # whose models
    # By the words that the user typed, in the order of the scorecard's columns.
    checkpoints: dict[str, Checkpoint]
    prompts: tuple[Prompt, ...]  # held-out prompts that each checkpoint answers
    seeds: tuple[int, ...]  # each prompt is answered once with each
    sampling: Sampling  # how answers are drawn
    # Training prompts that the base answers, for the voice judge's other side.
    judge_prompts: tuple[Prompt, ...]
    references: ReferenceTexts  # what the answers are held against

    @property
    def inputs(self) -> str:
        """Return a digest of all that decides the scorecard."""
        own = [*self.references.owner.all, *self.references.held_out.all]
        return content_id(
            MEASURES,
            [[word, checkpoint.hash] for word, checkpoint in self.checkpoints.items()],
            [prompt.id for prompt in self.prompts],
            list(self.seeds),
            self.sampling.as_dict(),
            [prompt.id for prompt in self.judge_prompts],
            [content_id(text.text) for text in own],
            self.references.kind,
            content_id(*self.references.own_register),
        )


@dataclass(frozen=True)
class Case:
    """One prompt with one seed; `text` is what is to be answered."""

    prompt_id: str
    text: str
    seed: int


@dataclass(frozen=True)
class CheckpointAnswers:
    """What one checkpoint did: its answers by case, and its likelihoods of given texts."""

    texts: Sequence[str]
    owner_text: TextLikelihoods | None = None
    neutral_text: TextLikelihoods | None = None
    reward_accuracy: float | None = None


@dataclass(frozen=True)
class EvaluationData:
    """All that the measures need; columns stand in the order of training."""

    cases: Sequence[Case]
    answers: Mapping[str, CheckpointAnswers]
    references: ReferenceTexts
    judge: VoiceJudge
    seed: int = 0

    @property
    def repeats(self) -> int:
        """Return how many seeds each prompt was answered with."""
        return len({case.seed for case in self.cases}) or 1

    @cached_property
    def capped_odds(self) -> dict[str, list[float]]:
        """Return each column's capped log-odds, by case."""
        return {
            column: self.judge.capped(
                [
                    PromptedText(text, case.text)
                    for text, case in zip(answers.texts, self.cases, strict=True)
                ]
            )
            for column, answers in self.answers.items()
        }

    @cached_property
    def scored(self) -> dict[str, list[ScoredAnswer]]:
        """Return each column's answers as the voice judge sees them, by case."""
        bound, topic_binds = self.repetition_bound(), self.references.topic_binds()
        return {
            column: [
                ScoredAnswer(odds, self._is_sound(case, text, bound, topic_binds))
                for case, text, odds in zip(
                    self.cases, answers.texts, self.capped_odds[column], strict=True
                )
            ]
            for column, answers in self.answers.items()
        }

    def repetition_bound(self) -> float:
        """Return the repetition above which an answer can't win: the owner's own most, or ours."""
        own = sorted(repetition(text) for text in self.references.like_owner)
        return max(REPETITIVE, quantile(own, 0.99)) if own else REPETITIVE

    def _is_sound(self, case: Case, text: str, bound: float, topic_binds: bool) -> bool:
        if not text.strip() or repetition(text) > bound:
            return False
        return not topic_binds or self.references.on_topic(case.text, text) is not False
