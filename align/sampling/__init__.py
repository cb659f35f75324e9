"""Draw pairs of answers from a checkpoint: two to a prompt, for the owner to choose between.

A pair whose answers are empty or next to identical teaches nothing, so it is drawn again a few
times, then left out and counted. Every answer is stored as it comes: what was drawn for this
checkpoint, seed and settings is never drawn again, however many processes draw.
"""
