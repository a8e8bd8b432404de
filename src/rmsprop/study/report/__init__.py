"""How results are told: sentences, the table of the terminal, claims, pictures and the page."""
