"""One packet on its way into one helpdesk: exactly one ticket, whatever dies."""
