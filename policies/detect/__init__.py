"""
Text to evidence: phrase packs (one per language, plain YAML) looked for in what a customer wrote.

normalise → gate by single words → the few patterns whose words are there → guards.
Spans are in the customer's own text.
"""
