"""What is asked of reports afterwards: are they whole, do their numbers come again, where do they come from."""
