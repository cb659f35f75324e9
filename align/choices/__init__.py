"""Choices as lists and files: found, exported for other tools, and imported from them."""
