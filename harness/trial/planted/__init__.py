"""Scenarios with known answers, which the harness is checked with."""
