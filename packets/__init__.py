"""
The shapes that cross a border: what a vendor says (events), what we made of it (conversation, decision),
and what people get (packet, ticket draft). Pure values and functions; imports nothing of ours, does no I/O.
"""
