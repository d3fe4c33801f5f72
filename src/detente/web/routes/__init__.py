"""Pages and their JSON twins, one module a page."""
