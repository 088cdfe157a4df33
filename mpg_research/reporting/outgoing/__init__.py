"""Data that leave the package for other programs: personal data, and what may be shared about them."""
