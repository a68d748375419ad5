"""Which cases, in which order, which of them cannot fit, and how long it will take."""
