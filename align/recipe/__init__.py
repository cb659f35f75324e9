"""Training recipes and accelerate files, read with all their errors at once."""
