"""Comparing the organisations of a study: differences, shares, durations, funnels, ranks, case mix."""
