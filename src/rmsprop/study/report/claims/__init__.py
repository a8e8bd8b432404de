"""General claims about the two optimizers and published results, beside what was measured."""
