"""A page as PDF and as Word, both from one reading of it."""
