"""Time and memory of an accelerator."""
