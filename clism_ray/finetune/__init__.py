"""Fine-tuning and evaluation: cells, their training, their grid, their scores."""
