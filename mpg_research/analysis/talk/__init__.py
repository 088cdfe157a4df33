"""What serves the talk with one family: its page, and which families are due for a talk."""
