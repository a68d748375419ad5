"""Trials that are more than timing: of a process tree, under a limit, on a device."""
