"""The session: what is asked, answered and taken back. No screen, no keys."""

from labeler.session.acts import Decision
from labeler.session.question import Flag, Marks, Question, Side
from labeler.session.session import Answer, Session, SkipReason

__all__ = ["Answer", "Decision", "Flag", "Marks", "Question", "Session", "Side", "SkipReason"]
