"""Export formats: one module each, with a function that writes a run's cases to a stream."""
