"""Reads logs that were written before this package came, and makes the store's documents of them."""
