"""What a notebook does with a study: begin, choose, release, show, record; and the decisions it took."""
