"""What the machine can do at best."""
