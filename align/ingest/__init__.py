"""Reading the owner's writing: one reader a source; cleaning; duplicates; the split."""
