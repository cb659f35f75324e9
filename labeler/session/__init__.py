"""The session: what is asked, answered and taken back. No screen, no keys."""

from labeler.session.history import Done
from labeler.session.marks import Flag, Marks, Side
from labeler.session.queue import Question
from labeler.session.session import Answer, Session

__all__ = ["Answer", "Done", "Flag", "Marks", "Question", "Session", "Side"]
