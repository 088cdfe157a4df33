"""Costs in sentences: what was spent, what it brought, and what may not be concluded."""
