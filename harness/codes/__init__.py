"""Short names that stay: one for each kind of thing that a report can say of a case."""
