"""The variances at which the likelihood is highest.

Where to start, faces where a variance is zero, many outcomes at once.
"""
