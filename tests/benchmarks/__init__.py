"""Measures this package beside the ways people use today: ``python -m tests.benchmarks --help``.

Every figure comes from one run in which the sides take turns, round by round (A B, B A, …), after a
warm-up. What is reported is the median of the rounds' ratios, with the lowest and the highest of them.
"""
