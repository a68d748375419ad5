"""Real limits on memory: setrlimit, control groups, and the cost model at them."""
