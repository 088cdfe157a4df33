"""What a paper asks for beside results: methods with their sources, an abstract, checklists, how to cite."""
