"""Looking at exports: their first rows, what columns hold, how names are numbered and what they mean."""
