"""What Unipipe can do: one request, one plan and apply (or look) function, one result per capability; `catalog` lists all."""
