"""The record of a run: its lines, writing and reading it."""
