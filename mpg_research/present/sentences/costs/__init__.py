"""Costs in words."""
