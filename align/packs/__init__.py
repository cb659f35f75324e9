"""What travels between the owner's machines, and what is deleted once it has."""
