"""What runs are made of, how they are asked for and what can be said of them."""
