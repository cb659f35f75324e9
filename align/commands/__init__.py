"""One file a command: read options, call one room, print."""
