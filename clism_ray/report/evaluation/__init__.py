"""Evaluations: their cells read, compared, told in words, tables, pages."""
