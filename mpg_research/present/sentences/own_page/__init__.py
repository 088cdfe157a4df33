"""The first page for an organisation, in words: who was measured, four numbers, what stands out."""
