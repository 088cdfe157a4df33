"""The pictures of the first page for an organisation."""
