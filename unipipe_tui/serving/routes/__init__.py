"""What can be asked over HTTP, a module a protocol; all of them ask one `Service`."""
