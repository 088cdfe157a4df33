"""Time until something happens, where not everyone can be followed as long."""
