"""What a model reads and is asked: turns, questions, identity, prompts, SFT examples."""
