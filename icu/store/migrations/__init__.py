"""The database's versions. Only the sink and `python -m icu db upgrade` apply them."""
