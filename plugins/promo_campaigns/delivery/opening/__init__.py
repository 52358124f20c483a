"""Opening: a run is opened for an audience or for events and cut into batches, and a person is asked to approve it."""

__all__ = ["approval", "events", "start"]
