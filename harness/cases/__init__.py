"""From the trials of a journal to one summary, and one row of the frame, per case."""
