"""How close trained models come to their owner: the measures, and the scorecard of them."""
