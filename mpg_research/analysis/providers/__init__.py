"""Comparing any providers on any outcome, one row per client."""
