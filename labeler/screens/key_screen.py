"""A screen whose keys act on what was seen, and wait where the store is busy."""

import sqlite3
from collections.abc import Callable
from functools import partial
from time import monotonic

from textual import events
from textual.screen import Screen

from align.errors import UserError
from labeler.key_guard import OF_THE_PAIR, KeyGuard
from labeler.keys import Keys
from labeler.session import Session

BUSY = "… Another program is writing to the store. Your key waits; other keys are not taken"
# For how many seconds a key waits for a store that is busy, and how often it tries.
PATIENCE, AGAIN = 10.0, 0.1


def is_busy(error: UserError) -> bool:
    """Tell whether an act failed only because another program writes to the store."""
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)


class KeyScreen(Screen[None]):
    """Does what keys are for, each by its name in `acts`.

    Args:
        session: What the keys act on.
        keys: Which key does what.
        too_soon_ms: For how long after a pair's frame no choice is taken.
    """

    def __init__(self, session: Session, keys: Keys, too_soon_ms: int) -> None:
        super().__init__()
        self.acts: dict[str, Callable[[], object]] = {}
        self._session, self._keys, self._too_soon_ms = session, keys, too_soon_ms
        self.guard = KeyGuard(too_soon_ms)
        self._waits_for_store = self._told_of_blind_keys = False
        self._pressed_at = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether there is room to see what one would choose."""
        return True

    def tell(self, words: str) -> None:
        """Show a message."""
        raise NotImplementedError

    def refuse(self, error: UserError) -> None:
        """Show that an act could not be kept, and why."""
        raise NotImplementedError

    def take_back_held(self) -> None:
        """Take back what a key chose that was held down."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Let no key stand still for longer than a moment in SQLite."""
        self._session.wait_for_store(AGAIN)

    def on_screen_suspend(self) -> None:
        """Take no key while another screen lies over this one."""
        self.guard.covered()

    def on_screen_resume(self) -> None:
        """Take keys again once this screen is seen."""
        self.call_after_refresh(self._drawn)

    def pair_changed(self) -> None:
        """Take no key for the pair before it has been drawn."""
        self.guard.pair_changed()
        self.call_after_refresh(self._drawn)

    def _drawn(self) -> None:
        if self.guard.drawn(monotonic()):
            self._session.shown()

    def on_key(self, event: events.Key) -> None:
        """Do what the key is for."""
        name = self._keys.action(event.key, event.character)
        if name is not None:
            event.stop()
            event.prevent_default()
            self.act(name, event.time)

    def action_act(self, name: str) -> None:
        """Do what a click on a key is for."""
        self.act(name)

    def act(self, name: str, pressed_at: float | None = None) -> None:
        """Do one thing; where it can't be saved, show why and leave everything as it is.

        Args:
            name: Of the action.
            pressed_at: When its key was pressed, None where it was a click.
        """
        if self.app.screen is not self or not (self.is_usable or name in ("help", "quit")):
            return
        if self._waits_for_store and name != "quit":
            return
        self._pressed_at = monotonic() if pressed_at is None else pressed_at
        if self.guard.is_blind(name, self._pressed_at, is_key=pressed_at is not None):
            self._tell_of_blind_key(name)
            if self.guard.was_held():
                self._try(self.take_back_held)
        else:
            self._try(self.acts[name])

    def commit(self, act: Callable[[], object]) -> None:
        """Do what another screen asked for."""
        self._pressed_at = monotonic()
        self._try(act)

    @property
    def late(self) -> float:
        """For how many seconds the key that acts has waited."""
        return monotonic() - self._pressed_at

    def _try(self, act: Callable[[], object], give_up_at: float | None = None) -> None:
        """Do what goes to the store; where that is busy, say so and try again for a while."""
        self._waits_for_store = False
        try:
            act()
        except UserError as error:
            give_up_at = monotonic() + PATIENCE if give_up_at is None else give_up_at
            if not is_busy(error) or monotonic() > give_up_at:
                self.refuse(error)
                return
            self._waits_for_store = True
            self.tell(BUSY)
            self.set_timer(AGAIN, partial(self._try, act, give_up_at))

    def _tell_of_blind_key(self, name: str) -> None:
        """Say once why a key did nothing."""
        if name in OF_THE_PAIR and not self._told_of_blind_keys:
            self._told_of_blind_keys = True
            within = f" or within {self._too_soon_ms} ms of it" if self._too_soon_ms else ""
            self.tell(f"Not taken: a key from before its pair was seen{within} (--too-soon)")
