"""A small function minimised step by step, with every number shown: `rmsprop steps`."""
