"""Ways to show a packet to people: note (plain and HTML), neutral fields, the ticket draft."""
