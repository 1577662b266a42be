"""What the pages show, ready for JSON: the only source of a page, its twin and its topic."""
