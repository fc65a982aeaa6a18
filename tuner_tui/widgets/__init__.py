"""Widgets: they draw what they are given and know neither screens nor processes."""
