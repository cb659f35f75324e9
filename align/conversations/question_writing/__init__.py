"""Questions for passages of documents: a model writes them, the recipe's base weighs them.

Each passage has the questions by rule and those that a model offers when shown the passage: the
base itself, or Claude. Of those whose words the passage speaks of, the one that makes the passage
likeliest is kept; where none makes it likelier than no question does, the passage answers nothing.
"""
