"""Identical code against itself: how far runs lie apart here, and what is found beyond that."""
