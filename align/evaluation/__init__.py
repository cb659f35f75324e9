"""How close a twin comes to its owner: one measure a file, and the scorecard that shows them."""
