"""The likelihood at one set of variances, and its derivatives.

By the nested, the compact and the crossed route.
"""
