"""JSON documents: their text, their values, and the paths into them."""
