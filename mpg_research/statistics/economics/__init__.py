"""What it costs and what it brings: costs, effects and their difference, of arrays."""
