"""Care as a time line, for the synthetic study: who helped, how much, and what came after."""
