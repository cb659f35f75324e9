"""Which pairs a judge may see, and in which words."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from align.choices.selection import NEAR
from align.judging.addressing import speaks_to_the_judge
from align.judging.protocol import Comparison
from align.levels import Level
from align.privacy.redaction import Redactor
from align.privacy.scope import Detector, repeated
from align.store.pairs import PairView
from align.text.similarity import near_identical

CLOSED = "repeating closed writing"
MARKED = "repeating a pair marked private"
SPEAKING = "speaking to the judge"


@dataclass
class Eligibility:
    """Lets pairs through to a judge, redacted, and counts what it does not."""

    redactor: Redactor | None  # replaces what is private; None leaves the words as they are
    levels: Collection[Level]  # what may be seen
    detector: Detector | None = None  # finds what must not leave; None where nothing does
    # how many pairs were kept back, by reason
    left_out: Counter[str] = field(default_factory=Counter)
    marked: list[str] = field(default_factory=list)  # those for what is marked private elsewhere

    def comparison(self, pair: PairView) -> Comparison | None:
        """Return the pair as a judge may see it; None where it may not."""
        texts = [*(message["content"] for message in pair.messages), pair.text_a, pair.text_b]
        redacted = self.redactor.redact_texts(texts) if self.redactor else texts
        reason = self._why_not(pair, [texts] if redacted == texts else [texts, redacted])
        if reason is not None:
            self.left_out[reason] += 1
            self.marked += [pair.id] if reason == MARKED else []
            return None
        *contents, text_a, text_b = redacted
        messages = tuple(
            {"role": message["role"], "content": content}
            for message, content in zip(pair.messages, contents, strict=True)
        )
        return Comparison(pair.id, pair.prompt_id, messages, text_a, text_b)

    def _why_not(self, pair: PairView, versions: Sequence[list[str]]) -> str | None:
        if pair.level not in self.levels:
            return pair.level
        if not (pair.text_a.strip() and pair.text_b.strip()):
            return "with an empty answer"
        # Only a closer look can say whether these are next to the same.
        is_suspect = pair.similarity is None or pair.similarity >= NEAR
        if is_suspect and near_identical(pair.text_a, pair.text_b):
            return "of nearly identical answers"
        if speaks_to_the_judge(pair.text_a) or speaks_to_the_judge(pair.text_b):
            return SPEAKING
        match = self.detector.match if self.detector else lambda _: None
        for *turns, a, b in versions:
            if found := repeated(match, [*turns, a]) or repeated(match, [*turns, b]):
                return MARKED if getattr(found, "why", "") == "private" else CLOSED
        return None
