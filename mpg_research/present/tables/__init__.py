"""A released table as a reader sees it, and as HTML."""
