"""What a twin reads and is asked: turns, questions, identity, prompts, SFT examples."""
