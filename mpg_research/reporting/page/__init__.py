"""The page: HTML out of a notebook, cleaned, read for accessibility, searched for names."""
