"""How results are reported: sentences, the terminal's table, claims, pictures and the page."""
