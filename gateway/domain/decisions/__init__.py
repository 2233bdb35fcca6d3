"""Pure functions from what is, and what happened, to what one commit shall write.

One file per verb. What a decision cannot know by itself, the time and fresh identifiers, comes as
a `Moment`.
"""
