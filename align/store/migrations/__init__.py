"""The schema, as numbered SQL files that are applied in order and never changed once released."""
