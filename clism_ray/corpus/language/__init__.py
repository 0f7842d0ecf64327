"""A small grammar of six languages, from which the synthetic corpus is written."""
