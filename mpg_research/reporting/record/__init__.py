"""What describes a recipient's folder beside its manifest: a record per output, and a research object."""
