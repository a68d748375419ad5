"""Clocks, turns, and the protocol of calls and epochs."""
