"""Posts become conversations: questions whose answers are passages of the owner's, unchanged."""
