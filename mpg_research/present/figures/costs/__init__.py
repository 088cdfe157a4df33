"""Costs in pictures."""
