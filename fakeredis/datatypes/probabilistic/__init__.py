"""Values of the probabilistic types: filters, sketches and digests."""
