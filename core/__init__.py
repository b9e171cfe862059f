"""What every app needs and none owns; imports no app."""
