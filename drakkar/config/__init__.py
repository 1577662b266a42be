"""Configuration: option declarations, section schemas, the loader, and the pages made of them."""
