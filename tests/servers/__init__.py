"""Real servers for the tests, run on this machine without root's rights and without a container engine."""
