"""What the money brings: effects and benefits beside costs, scenarios, and what is reported of them."""
