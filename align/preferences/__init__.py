"""Choices and verdicts as rows for DPO, and as lists and files."""
