"""The formats of log lines, one a file; each reads one line and says None where it is of another."""
