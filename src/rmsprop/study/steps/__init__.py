"""Every step of an optimizer on a small function, as a table and as a picture: `rmsprop steps`."""
