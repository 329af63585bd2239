"""
Shows a packet to people and systems: the private note (plain and HTML, the same words), the transcript as a file, the
neutral ticket fields, and the draft of the ticket that carries them. Everything shown went through `sanitise`.
"""
