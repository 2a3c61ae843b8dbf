"""The demo: an ordinary shop, its visitors, and the run that links the one's logs to the others' sessions."""
