"""Tables of the database: a module for whoever writes them."""
