"""When to hand a conversation to people, to whom and how fast: pure decisions over YAML rules. Imports packets only."""
