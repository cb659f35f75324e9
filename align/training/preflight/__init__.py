"""Preflight: what can be known before a weight is loaded, and what of it stops a run."""

from align.training.preflight.checks import before_download, on_rows, on_tokens

__all__ = ["before_download", "on_rows", "on_tokens"]
