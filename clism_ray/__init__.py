"""Cross-lingual encoders that point: CLISM + CACR pre-training on Ray and DeepSpeed."""

__version__ = "0.1.0"
