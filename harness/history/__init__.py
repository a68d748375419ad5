"""Cases over many runs: what changed, in which run, and what else changed there."""
