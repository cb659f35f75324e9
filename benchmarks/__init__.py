"""Benchmarks: every published figure can be measured again with one of these modules."""
