"""The central station: pages that show the ward in a browser, and their files."""
