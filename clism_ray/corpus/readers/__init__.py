"""A module for each form of parallel text: files to chunks, and chunks of lines to texts."""
