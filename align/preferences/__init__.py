"""Preferences for DPO: rows of choices, verdicts and real replies; choices in and out as files."""
