"""What a course says at each of its waves.

Up, down or standing still, and how sure that is while swings carry on.
"""
