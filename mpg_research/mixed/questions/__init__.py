"""What is asked of a model that was fitted.

Means, predictions, intervals, a bootstrap, who weighs heavily, how well it fits.
"""
