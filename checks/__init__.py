"""The runner behind `run.py test`: what the checks need, where they run, and the table of what came of them.

Uses only the standard library: it runs before anything is installed.
"""
