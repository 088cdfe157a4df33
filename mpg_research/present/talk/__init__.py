"""Pages about single families: for the talk, for the family itself, and of who is due for a talk."""
