"""The records that cross the pipe and are kept in a journal: standard library only."""
