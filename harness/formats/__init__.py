"""Export formats: one module each, with a function that writes a case frame to a stream."""
