"""Images and containers: how a version becomes an image, and how a target of containers is brought to a traffic."""
