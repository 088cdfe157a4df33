"""Costs drawn."""
