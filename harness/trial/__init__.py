"""What runs inside a host and its trials: the standard library, NumPy and torch only."""
