"""What was done with families: interventions, changes of worker, events, and what followed a signal."""
