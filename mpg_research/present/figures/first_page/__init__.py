"""Pictures of the funder's first page: few things in each, and read on a phone."""
