"""From the queue on disk to the store: one thread, bounded requests, tries until it is there."""
