"""What will exist, as plain data: resources, names, policies, and the target they are for."""
