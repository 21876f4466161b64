"""What can be done with traces: a module per subject."""
