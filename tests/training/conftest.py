"""Fixtures of the training rooms."""

from tests.tiny_fixtures import tiny_base, tokenizer, trained, trained_root

__all__ = ["tiny_base", "tokenizer", "trained", "trained_root"]
