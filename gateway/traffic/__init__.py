"""What all workers together may ask of one helpdesk account: its rate, its pauses, its breaker, how many at once."""
