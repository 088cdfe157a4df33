"""Running notebooks in warm processes: the imports are there, and every page has a process of its own."""
