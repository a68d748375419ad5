"""Two hosts against each other in one run: duets, adaptively, and a verdict that holds."""
