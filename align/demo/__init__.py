"""Make the demo world: a grammar of topics, questions and voices, a tiny base, invented owners."""
