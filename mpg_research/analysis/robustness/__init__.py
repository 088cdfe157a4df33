"""Whether the comparison of organisations holds when it is made in other ways."""
