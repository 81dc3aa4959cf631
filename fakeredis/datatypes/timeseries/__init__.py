"""Time series: samples in chunks, their compression, aggregation, and the labels of series."""
