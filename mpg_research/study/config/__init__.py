"""study.toml: what may be said in it, reading it, and what to say where it is wrong."""
