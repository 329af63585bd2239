"""Zendesk Support as its API shows it. `desk.py` holds the calls, `account.py` the rules of writing."""
