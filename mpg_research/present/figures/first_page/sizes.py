"""How large pictures of the first page are: on a telephone their letters are nearly as large as the text."""

__all__ = ["NARROW", "PAD", "TEXT"]

#: Width of a picture in points, and of the room around it; the size of its letters.
NARROW, PAD, TEXT = 330.0, 5.0, 10.5
