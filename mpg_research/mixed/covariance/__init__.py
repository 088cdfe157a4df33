"""How the residuals of one series, and the random effects of one group, go together.

What a structure is (``protocol``, ``series_structure``, ``random_part``), those there are, and what they are
for the rows at hand.
"""
