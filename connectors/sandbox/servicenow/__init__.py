"""ServiceNow's Table API from outside. `desk.py` holds the calls, `instance.py` the rows, `query.py` the trap."""
