"""A user's own loader: what it waits for, what could be won, and which setting to use."""
