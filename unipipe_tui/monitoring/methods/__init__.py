"""The ways to compare one column of two sets: our own, and those of known libraries. A method is a value in "
"`METHODS`."""
