"""From answers to scores that have a place in time, and how far the data reach."""
