"""Growth models of a study: the frame of measurements, the model and the rule it follows, the mean course."""
