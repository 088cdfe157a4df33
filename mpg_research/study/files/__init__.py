"""Files as they come: CSV, Excel, SPSS and others, read as text with where it stands."""
