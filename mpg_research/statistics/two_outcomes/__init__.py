"""Two outcomes of the same families: courses that go together, and swings that carry over."""
