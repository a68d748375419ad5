"""Where it went: one call, watched line by line and by other people's tools, as text and pages."""
