"""Clusters: slots, nodes, replicas."""
