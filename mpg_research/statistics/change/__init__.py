"""Change of one person between two measurements or along a line, and of a group."""
