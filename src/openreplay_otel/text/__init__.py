"""Texts for people, the same on a terminal and on a page: times, stack traces, harmless characters. Pure."""
