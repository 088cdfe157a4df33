"""Studies whose truth is known: families, courses, care, tables with the faults of real ones."""
