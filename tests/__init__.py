"""Tests of the gateway: rooms mirror gateway/, faults/ holds the campaigns, demo/ the story of `make demo`."""
