"""Decisions.

Pure functions from what is (`Aggregate`) and what happened to what one commit shall write
(`Change`).

One file per verb. What they cannot know by themselves, the time and fresh identifiers, comes as a
`Moment`.
"""
