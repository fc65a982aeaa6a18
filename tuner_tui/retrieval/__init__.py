"""Finds passages for a question in the user's own documents; no model, no network, no torch."""
