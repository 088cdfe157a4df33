"""What came after the help ended well, and after months without clear progress."""
