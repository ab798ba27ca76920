"""The database's versions. Only the sink and `icu db upgrade` apply them."""
