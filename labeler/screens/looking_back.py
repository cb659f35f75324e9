"""How the owner comes back to what they decided."""

from labeler.screens.pair_writing import PairWriting
from labeler.session import Decision


class LookingBack(PairWriting):
    """A screen from which past decisions are looked at and changed."""

    def open_history(self) -> None:
        """List what was decided."""
        from labeler.screens.history import HistoryScreen

        def show(decision: Decision | None) -> None:
            if decision is None:
                return
            self._session.revisit(decision)
            old = self._session.revisited
            before = "no answer yet" if old is None else self._session.past(old).words
            words = f"You decided: {before}"
            keys = "any key that chooses decides anew, Esc leaves it as it is"
            self.show_next(f"{words}; {keys}")

        self.app.push_screen(HistoryScreen(self._session.pasts()), show)

    def leave_past(self) -> None:
        """Leave a pair that was revisited as it is."""
        if self._session.revisited is not None:
            self._session.go_on()
            self.show_next("Left as it is")
