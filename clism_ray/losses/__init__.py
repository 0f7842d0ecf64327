"""One loss a file: tensors in, (sum, count) out."""
