"""The registry of quantities: everything that is known of a case, each stated once.

Columns of the frame and of exports, what is compared and followed over runs, what the pytest
plugin tabulates and notes, and the documentation of columns are all read off it. A new quantity
is one entry, and whatever reads it in a trial.
"""
