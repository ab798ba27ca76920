"""Composition root: builds running roles from settings. The only room that imports all the others."""
