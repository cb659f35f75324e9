"""Texts as words: likeness, near-duplicates, style, word lists, safe printing. Pure."""
