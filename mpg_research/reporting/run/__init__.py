"""Running the notebooks of a study: what is to be done, doing it, and the record of it."""
