"""What an encoder is fine-tuned for and judged by: questions to answer, names to find."""
