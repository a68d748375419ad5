"""A strategy bound to its inputs, and how it may end."""
