"""A study begun from its exports: look at the files, propose a mapping, say what only the user can know."""
