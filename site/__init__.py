"""The public site: pages, and the build that renders them."""
