"""A plan of a study as a page for a researcher and a funder, and as CSV."""
