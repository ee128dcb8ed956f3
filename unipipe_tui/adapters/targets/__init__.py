"""Places where versions answer, behind the port `Target`; and what all of them need to talk to a server of ours."""
