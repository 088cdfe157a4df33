"""What came of it beside the first score: life domains, several questionnaires, the family's own voice."""
