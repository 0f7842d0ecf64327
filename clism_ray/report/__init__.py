"""What runs came to, for people: tables, figures, pages."""
