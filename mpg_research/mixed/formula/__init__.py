"""From the text of a formula to its terms.

Tokens, a parser, what may be called in it. Nothing is evaluated as Python.
"""
