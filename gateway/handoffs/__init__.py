"""Handoffs: opening one (packet, draft and work in one transaction), finding and showing them."""
