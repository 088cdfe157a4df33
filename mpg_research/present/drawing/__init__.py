"""Charts that are marks on axes: laid out once with the real widths of letters, written as SVG with text."""
