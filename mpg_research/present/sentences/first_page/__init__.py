"""The funder's first page in sentences: short, in words, without a statistic."""
