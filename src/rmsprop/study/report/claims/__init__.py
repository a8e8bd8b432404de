"""What is often said of the two optimizers, and what was published, beside what was measured."""
