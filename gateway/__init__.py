"""The payment gateway: pay, refund and query over gRPC, with a double-entry ledger in Postgres."""

__version__ = "0.1.0"
