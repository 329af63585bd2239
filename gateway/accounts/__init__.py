"""What `baton setup` and `baton doctor` do with the accounts and the machine they find."""
