"""Tests of the loops that time triggers."""
