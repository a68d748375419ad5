"""The columns of a case, by what they are about."""
