"""The composition root: settings in, running roles out. The only room that knows all the others."""
