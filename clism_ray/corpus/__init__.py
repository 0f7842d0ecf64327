"""Parallel text in, aligned pairs out."""
