"""What helpdesks tell us people did: it stops clocks and closes handoffs."""
