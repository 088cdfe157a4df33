"""What a released result says in sentences, one module per subject."""
