"""Comparing providers fairly.

Levels and their errors, standardisation, funnels, ranks, what chance alone brings.
"""
