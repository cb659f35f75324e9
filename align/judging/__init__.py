"""Judges that answer in the owner's place, as far as they agree with the owner."""
