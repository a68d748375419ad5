"""What a report says, before it is a page."""
