"""What people say about moving data, put to the test: each statement's verdict, from a run alone.

Statements are declared beside their scenarios, with the margin that decides; see docs/claims.md.
"""
