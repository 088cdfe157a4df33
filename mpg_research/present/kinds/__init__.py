"""What is said and drawn of each kind of result: a module here registers the kinds of a subject."""
