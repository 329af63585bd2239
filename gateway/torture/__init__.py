"""`baton torture`: proves that one handoff is one ticket with the whole packet on it, whatever dies."""
