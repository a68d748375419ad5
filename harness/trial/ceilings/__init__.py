"""What the machine can do at best: one module for each kind of work, or for a few that belong
together. It registers a function with :func:`harness.trial.ceilings.kind.ceiling`, and that is all
there is to adding one.
"""
