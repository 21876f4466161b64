"""Named reads of the moderation desk: a module for each of the models'."""
