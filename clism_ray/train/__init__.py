"""One optimizer step, and what makes many of them survive."""
