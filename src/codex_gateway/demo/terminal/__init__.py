"""A chat in a terminal: formatted messages, a live region, a line to write on; standard library only."""
