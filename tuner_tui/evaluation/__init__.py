"""Scores answers on held-out data, before and after, by the same code."""
