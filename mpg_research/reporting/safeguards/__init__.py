"""What is looked at before a report leaves: that nothing came from beside the session, and no file moved."""
