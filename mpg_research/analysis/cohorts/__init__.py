"""Organisations over time: one start year beside another, quarters in a run chart."""
