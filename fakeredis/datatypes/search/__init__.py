"""The query engine: schemas, indexes, queries, expressions; none of it knows a server."""
