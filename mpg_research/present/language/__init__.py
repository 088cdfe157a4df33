"""Words, numbers, units and headings of one language, and which sentence may be said when."""
