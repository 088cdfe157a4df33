"""What is asked of reports afterwards: are they whole, do their numbers come again, and where from."""
