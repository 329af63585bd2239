"""`baton up`: everything in one process group on one machine; starts it, restarts what dies, ends it together."""
