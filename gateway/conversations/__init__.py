"""The conversation rows: the fold's state, so that a turn costs the same at any length."""
