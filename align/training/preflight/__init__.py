"""Preflight: what can be known before a weight is loaded, and what of it stops a run."""
