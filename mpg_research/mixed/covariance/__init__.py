"""How the residuals of one series go together.

The structures a user names, and what they are for the rows at hand.
"""
