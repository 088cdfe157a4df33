"""Results that are computed once and read by every page: what they hang on, where they lie, who makes one."""
