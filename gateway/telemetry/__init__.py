"""Logs and figures. Only ids, names and numbers ever leave through here."""
