"""A study's plan on paper, and what of a study goes into an archive."""
