"""How the help is given: working elements, conditions, and whether those who score keep one measure."""
