"""Numerical procedures with their references; they know nothing of trials."""
