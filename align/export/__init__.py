"""A checkpoint for other tools: a merged model or an adapter, with a card, GGUF and Modelfile."""
