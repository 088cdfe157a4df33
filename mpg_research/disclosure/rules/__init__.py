"""The rules of disclosure, one module each: small cells, own rows, differencing, rounding, names, texts."""
