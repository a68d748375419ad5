"""Which figures a report has, and what they show."""
