"""Results that were computed once and are read by every page: where they lie, how they are found and trusted."""
