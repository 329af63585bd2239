"""Who a customer is across conversations, sources and vendors, and what is known of them from before."""
