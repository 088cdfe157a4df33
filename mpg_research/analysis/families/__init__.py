"""Each family's course: change, trend, sudden changes, direction, and the shares of families they give."""
