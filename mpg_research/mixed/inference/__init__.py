"""Standard errors, degrees of freedom, tests and terms: what an estimate is worth."""
