"""Which keys are blind: pressed before that on which they would act could be seen."""

from itertools import pairwise
from typing import Final

# Faster than this nobody reads two answers: a key that bounced, or is held down.
TOO_SOON_MS: Final = 150
# Seconds after which a key that is held down begins to repeat, and between its repeats at most.
HELD_FROM, HELD_UP_TO, REPEATS = 0.15, 1.2, 0.07

CHOICES = frozenset(
    ("left", "right", "both", "neither", "skip", "skip_because", "clearly_left", "clearly_right")
)
OF_THE_PAIR = CHOICES | {"private", "facts", "voice", "rewrite", "editor", "note"}


class KeyGuard:
    """Knows since when the pair, and the screen, stand before the owner's eyes.

    Times are seconds of one clock, that of the keys.

    Args:
        too_soon_ms: For how many milliseconds after a pair's frame no choice is taken; 0 for none.
    """

    def __init__(self, too_soon_ms: int = TOO_SOON_MS) -> None:
        self._least = too_soon_ms / 1000
        self._pair_since: float | None = None
        self._screen_since: float | None = float("-inf")
        self._last_blind = float("-inf")
        # The last two choices that were taken, and the blind repeats of the last one since.
        self._taken: list[tuple[str, float]] = []
        self._repeats: list[float] = []

    def pair_changed(self) -> None:
        """Take note that another pair stands there with the next frame."""
        self._pair_since = None

    def covered(self) -> None:
        """Take note that another screen lies over this one."""
        self._screen_since = None

    def drawn(self, now: float) -> bool:
        """Take note that all that changed has been drawn; tell whether that is another pair."""
        is_new = self._pair_since is None
        if self._pair_since is None:
            self._pair_since = now
        if self._screen_since is None:
            self._screen_since = now
        return is_new

    @property
    def all_is_seen(self) -> bool:
        """Whether nothing has changed that is not drawn yet."""
        return self._pair_since is not None and self._screen_since is not None

    def is_blind(self, action: str, at: float, *, is_key: bool) -> bool:
        """Tell whether what was asked for at a time, by a key or a click, may not act.

        A choice that comes too soon after one that was blind is blind too: a key is held down.
        """
        if is_key and (self._screen_since is None or at < self._screen_since):
            return True
        if action not in OF_THE_PAIR:
            return False
        blind = self._pair_since is None or at < self._pair_since
        if action in CHOICES:
            since = max(self._pair_since or at, self._last_blind)
            blind = blind or at - since < self._least
            if blind:
                self._last_blind = at
                self._repeated(action, at)
            else:
                self._taken, self._repeats = [*self._taken[-1:], (action, at)], []
        return blind

    def was_held(self) -> bool:
        """Tell, once, whether the last choice that was taken came of a key that was held down.

        Its first repeat comes after a while, and looks like a key that was pressed again.
        """
        if len(self._repeats) < 2 or len(self._taken) < 2:
            return False
        (first, began), (second, at) = self._taken
        times = [at, *self._repeats]
        if first != second or not HELD_FROM <= at - began <= HELD_UP_TO:
            return False
        if any(later - time > REPEATS for time, later in pairwise(times)):
            return False
        self._taken.clear()
        return True

    def _repeated(self, action: str, at: float) -> None:
        if self._taken and self._taken[-1][0] == action and len(self._repeats) < 2:
            self._repeats.append(at)
