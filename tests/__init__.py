"""Tests of the gateway. Rooms mirror gateway/; faults/ holds the campaigns, demo/ the story."""
