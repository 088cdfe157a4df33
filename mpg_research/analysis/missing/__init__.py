"""Who is missing, what it goes with, and how much the answer could depend on it."""
