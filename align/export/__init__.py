"""A twin as other tools take it: a merged model or an adapter, with a card, GGUF and Modelfile."""
