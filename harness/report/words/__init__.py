"""How values are written in a report."""
