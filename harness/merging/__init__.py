"""Journals that were measured apart as one run."""
