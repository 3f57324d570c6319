"""What an author may write: text in, a checked `Document` out, or problems with their places.

The stages read (`source`, `composer`, `scalars`), shape (`document`, `fields`, `messages`) and the
form of every finding (`problems`) live here, and the JSON Schema for editors (`schema`).
Nothing here knows AWS, files other than the one being read, or the kinds of entry there are.
"""
