"""One file for each quantity that is read."""
