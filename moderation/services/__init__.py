"""What can be done at the moderation desk: a module per subject."""
