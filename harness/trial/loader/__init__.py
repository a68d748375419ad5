"""A user's own loader, in a fresh process."""
