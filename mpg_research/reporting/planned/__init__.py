"""The sealed plan of a study, and what differs from it."""
