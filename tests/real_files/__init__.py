"""Log files that real programs write, and what has to become of each line: for `ship` and for the Collector."""
