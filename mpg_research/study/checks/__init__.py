"""What is wrong or odd in a study, each fault said once."""
