"""Which keys are blind: pressed before that on which they would act could be seen."""

from typing import Final

# Faster than this nobody reads two answers: a key that bounced, or is held down.
TOO_SOON_MS: Final = 150

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
        return blind
