"""The built-in scenarios: one question a module."""
