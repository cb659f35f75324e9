"""Which pairs a judge may see, and in which words."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from align.choices.selection import NEAR
from align.judging.protocol import Comparison
from align.levels import Level
from align.privacy.redaction import Redactor
from align.privacy.scope import Detector
from align.store.pairs import PairView
from align.text.similarity import near_identical

CLOSED = "repeating closed writing"


@dataclass
class Eligibility:
    """Lets pairs through to a judge, redacted, and counts what it does not."""

    redactor: Redactor | None  # replaces what is private; None leaves the words as they are
    levels: Collection[Level]  # what may be seen
    detector: Detector | None = None  # finds what must not leave; None where nothing does
    # how many pairs were kept back, by reason
    left_out: Counter[str] = field(default_factory=Counter)

    def comparison(self, pair: PairView) -> Comparison | None:
        """Return the pair as a judge may see it; None where it may not."""
        texts = [*(message["content"] for message in pair.messages), pair.text_a, pair.text_b]
        redacted = self.redactor.redact_texts(texts) if self.redactor else texts
        reason = self._why_not(pair, {*texts, *redacted})
        if reason is not None:
            self.left_out[reason] += 1
            return None
        *contents, text_a, text_b = redacted
        messages = tuple(
            {"role": message["role"], "content": content}
            for message, content in zip(pair.messages, contents, strict=True)
        )
        return Comparison(pair.id, pair.prompt_id, messages, text_a, text_b)

    def _why_not(self, pair: PairView, texts: Collection[str]) -> str | None:
        if pair.level not in self.levels:
            return pair.level
        if not (pair.text_a.strip() and pair.text_b.strip()):
            return "with an empty answer"
        # Only a closer look can say whether these are next to the same.
        is_suspect = pair.similarity is None or pair.similarity >= NEAR
        if is_suspect and near_identical(pair.text_a, pair.text_b):
            return "of nearly identical answers"
        if self.detector is not None and any(map(self.detector.match, texts)):
            return CLOSED
        return None
