"""Recordings as monitors store them: WFDB and .vital, checked before a library reads them."""
