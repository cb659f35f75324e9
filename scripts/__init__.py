"""Scripts of the project itself: set-up, generated pages."""
