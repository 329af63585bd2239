"""From one HTTP request to a stored event, a decision and, if the policy says so, a handoff: one transaction."""
