"""The demonstration office: believable, labelled, made through the same deeds."""
