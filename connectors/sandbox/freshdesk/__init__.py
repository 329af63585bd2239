"""Freshdesk API v2 from outside. `desk.py` holds the calls, `account.py` the tickets, `checks.py` its strictness."""
