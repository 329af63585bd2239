"""Calling vendors back: people have taken over, people are done."""
