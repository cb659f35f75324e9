"""Models on this machine: base, chat template, tokens, adapters, checkpoints and their lineage."""
