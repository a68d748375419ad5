"""Measure how data moves between NumPy and PyTorch: truthfully, and in isolation.

This file is also what a trial process sees, so it imports nothing but the standard library.
"""

from harness.scenario import Parameter, Scenario

__version__ = "0.1.0"

__all__ = ["Parameter", "Scenario", "__version__"]
