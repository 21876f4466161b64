"""What can be done at the moderation desk: each module one subject, each function one transaction."""
