"""Tests of what happens, in order: every port is a fake that keeps its port's words."""
