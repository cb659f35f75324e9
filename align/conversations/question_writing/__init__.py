"""Questions for passages of documents: a model writes them, the recipe's base weighs them.

For each passage there are the questions by rule and those that a model offers when shown the
passage: the base itself, or Claude. Of those whose words the passage speaks of, the one that makes
the passage likeliest is kept; where none makes it likelier than no question does, the passage
answers nothing.
"""

from align.conversations.question_writing.base_writer import write_questions
from align.conversations.question_writing.waiting import Waiting, waiting

__all__ = ["Waiting", "waiting", "write_questions"]
