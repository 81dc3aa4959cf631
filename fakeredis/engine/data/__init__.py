"""All of a server's data in other forms: copies, plain values, RDB files, digests."""
