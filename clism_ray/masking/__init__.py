"""Aligned pairs in, micro-batches out, in an order that is arithmetic."""
