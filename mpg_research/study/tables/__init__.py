"""From columns of text to the package's own tables: names, values, notations, patterns of waves, ids."""
