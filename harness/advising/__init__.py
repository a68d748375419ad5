"""Which way to move a user's own data: the few cases that decide, measured, and code to paste."""
