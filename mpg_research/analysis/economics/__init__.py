"""What help costs, and what it gives for the money."""
