"""Soundalike: make a language model sound like one person, its owner."""

__version__ = "0.1.0"
