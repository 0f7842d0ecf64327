"""The encoder that points, and its Hugging Face form on disk."""
