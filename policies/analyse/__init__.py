"""What rules mean together, told before a policy goes live. `run.analyse` finds it all."""
