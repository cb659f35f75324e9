"""What is asked next, and what the answers come to. Pure."""
