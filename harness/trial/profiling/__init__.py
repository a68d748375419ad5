"""One call, watched in a fresh process: line by line, and by other people's tools."""
