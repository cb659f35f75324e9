"""The labeler: the owner says, pair after pair, which answer sounds like them."""
