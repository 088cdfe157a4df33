"""Care as a time line: who helped, how much, with how many agencies, and how families flow through."""
