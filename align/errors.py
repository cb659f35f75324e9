"""Errors that a user can act on, in one line: where, what is wrong, what to do."""


class UserError(Exception):
    """A mistake that the user can mend; the command line shows one line and exits with 2.

    Args:
        where: File (with line), option or owner in which the mistake lies.
        what: What is wrong, as a sentence without its full stop.
        remedy: What to do about it, as a sentence without its full stop.
    """

    def __init__(self, where: object, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = str(where), what, remedy
        super().__init__(f"{where}: {what}." + (f" {remedy}." if remedy else ""))

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, str, str]]:
        """Pickle what it was made of, so that another process can raise it."""
        return type(self), (self.where, self.what, self.remedy)
