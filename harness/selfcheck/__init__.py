"""What the harness says about its own accuracy."""
