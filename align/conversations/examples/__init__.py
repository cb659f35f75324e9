"""Records and rewrites become conversations that a model is trained on, the owner as assistant.

A chat stays a chat, with as much of what came before as fits. A document becomes one titled piece
and, where it is longer than a row may be, continuations cut at paragraph and sentence ends; its
passages may also answer questions. A rewrite is the answer to its pair's prompt.
"""
