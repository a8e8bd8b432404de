"""What came out of a study: its schema, labelled arrays, intervals and verdicts."""
