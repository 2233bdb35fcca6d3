"""WeChat Pay, API v3: the v3 style under its own names, with barcodes and deduction by contract."""
