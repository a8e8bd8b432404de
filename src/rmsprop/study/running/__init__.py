"""From a plan to runs: programs, chunks, tuning, and the protocol that joins them."""
