"""What was stored, read back: the records of a session, and the sessions that have records."""
