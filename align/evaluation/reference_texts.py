"""What a twin is held against: the owner, other people, neutral text, perhaps a verdict.

A real owner's anchors come from the store alone; a demo owner's world knows more of them
(`align.evaluation.demo_anchors`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from align.evaluation import coherence
from align.evaluation.owner_texts import Message, Writing
from align.evaluation.voice_judge import Written

OnTopic = Callable[[str, str], bool | None]
# (prompt, first answer, second answer, number of the case) -> 1, 0.5 or 0: who sounds right.
Verdict = Callable[[str, str, str, int], float]

# Where the owner himself keeps to the prompt's words less often than this, not to do so breaks
# no bound: many people answer "Dinner?" without a word of the question.
OWNER_KEEPS_TO_PROMPTS = 0.9


@dataclass(frozen=True)
class Anchors:
    """What the measures compare with.

    Attributes:
        owner: The owner's writing outside the evaluation split.
        held_out: The owner's writing inside it.
        others: Texts of other people, to fit the judge against; empty for a real owner.
        others_held_out: More of them, to say how well the judge tells people apart.
        neutral: Conversations in nobody's voice, for the neutral perplexity.
        topical: Words that name topics and are hidden from the judge.
        on_topic: Whether an answer speaks of what the prompt asks.
        simulated: The simulated owner's verdict; None for a real owner.
        own_register: What a demo owner writes in the register that his choices call his own. A
            real owner's archive has no such mark, so there all of it stands for its owner.
        chosen_by: Habits that the simulated owner looks at when he chooses: they don't count in the
            distance, which must not measure what was trained for.
    """

    owner: Writing
    held_out: Writing
    others: Sequence[Written] = ()
    others_held_out: Sequence[Written] = ()
    neutral: Sequence[Sequence[Message]] = ()
    topical: frozenset[str] = frozenset()
    on_topic: OnTopic = coherence.on_topic
    simulated: Verdict | None = None
    own_register: Sequence[str] = ()
    chosen_by: frozenset[str] = frozenset()
    kind: str = field(default="store")

    @property
    def judge_is_weak(self) -> bool:
        """Tell whether the judge knows the owner from the base only, not from other people."""
        return not self.others

    @property
    def archive(self) -> list[str]:
        """Return the owner's texts that answers compare with, of both sides."""
        return [*self.owner.like_answers, *self.held_out.like_answers]

    @property
    def like_owner(self) -> list[str]:
        """Return the texts whose habits are the owner's."""
        return list(self.own_register) or self.archive

    def topic_binds(self) -> bool:
        """Tell whether a win must keep to the topic: only where the owner nearly always does."""
        own = [*self.owner.answers, *self.held_out.answers]
        share = coherence.share([self.on_topic(w.prompt, w.text) for w in own if w.prompt])
        return share is not None and share >= OWNER_KEEPS_TO_PROMPTS
