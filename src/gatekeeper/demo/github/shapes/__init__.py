"""GitHub's JSON, one function a schema of its published description; REST answers and webhooks share them.

Every function takes the records first (for what an object refers to) and answers a new dict.
"""
