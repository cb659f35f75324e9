"""Talk with a model: history as context, and nothing private repeated."""

from dataclasses import dataclass, field
from typing import Any

from align.conversations.turns import split_burst
from align.privacy.private_text import PrivateText
from align.privacy.scope import repeated
from align.sampling.sampling_plan import Sampling

Message = dict[str, str]
NOTE = "(withheld: it repeats {length} in a row of writing that is not open)"


@dataclass(frozen=True)
class Reply:
    """A model's answer; `note` stands in its place where the text is withheld."""

    text: str
    note: str | None = None

    @property
    def shown(self) -> str:
        """Return what may be shown."""
        return self.text if self.note is None else self.note

    @property
    def messages(self) -> list[str]:
        """Return what may be shown, a burst as the messages that it is made of."""
        return split_burst(self.shown) or [self.shown]


@dataclass
class Chat:
    """One conversation with a model; the same seed and turns give the same answers."""

    model: Any  # an `align.models.loaded_model.LoadedModel`
    detector: PrivateText | None  # of what must not be repeated; None where nothing is private
    sampling: Sampling
    seed: int = 0  # of the first turn; each later turn, and each try again, has its own
    context: int = 2048  # tokens that a prompt and its answer may fill together
    history: list[Message] = field(default_factory=list)
    _question: str | None = None
    _before: list[Message] = field(default_factory=list)
    _tries: int = 0

    def say(self, text: str) -> Reply:
        """Answer one message, and remember both."""
        self._tries = 0
        self._before = list(self.history)
        return self._answer(text)

    def again(self) -> Reply | None:
        """Answer the last message anew in place of the last answer; None where there is none."""
        if self._question is None:
            return None
        self.history = list(self._before)
        self._tries += 1
        return self._answer(self._question)

    def _answer(self, text: str) -> Reply:
        self._question = text
        messages = [*self.history, {"role": "user", "content": text}]
        room = self.context - self.sampling.max_new_tokens
        settings = {"max_prompt_tokens": room, **self.sampling.as_dict()}
        settings["max_prompt_tokens"] = min(room, settings["max_prompt_tokens"])
        seed = self.seed + 1000 * self._tries + len(self.history) // 2
        answer: str = self.model.generate([messages], seed=seed, **settings)[0][0]
        note = self._note(answer)
        if note is None:
            # What was withheld must not come back as context either.
            self.history = [*messages, {"role": "assistant", "content": answer}]
        return Reply(answer, note)

    def _note(self, answer: str) -> str | None:
        """Return what stands for an answer that repeats private text, else None."""
        if self.detector is None:
            return None
        # Sealed in the labeler a moment ago is sealed.
        self.detector.refresh()
        # What one answer begins the next may end.
        said = [turn["content"] for turn in self.history[-4:] if turn["role"] == "assistant"]
        match = repeated(self.detector.match, [*said, answer])
        return NOTE.format(length=match.length) if match else None
