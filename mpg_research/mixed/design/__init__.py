"""From terms and data to matrices.

Columns, coding of factors, spline bases, random terms, and what they cannot tell.
"""
