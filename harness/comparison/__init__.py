"""Is the candidate worse than the base? Two runs, case by case, and one verdict for the suite."""
