"""The labeler: the owner chooses, pair after pair, which answer sounds like them."""
