"""Measuring callables of the running process, each in processes forked from it."""
