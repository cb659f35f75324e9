"""What all screens share that lie over the choosing one."""

from collections.abc import Callable
from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import ModalScreen

Result = TypeVar("Result")

_ENDED: Callable[[], AwaitComplete] = AwaitComplete.nothing


class Layer(ModalScreen[Result]):
    """A screen over the choosing one: it ends once, however many keys say so."""

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """End, unless that was done before."""
        if self.app.screen is not self:
            return _ENDED()
        return super().dismiss(result)


class Palette(CommandPalette):
    """The palette, which ends once as well."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        """End, unless that was done before."""
        if self.app.screen is not self:
            return _ENDED()
        return super().dismiss(result)
