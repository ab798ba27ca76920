"""What all HTTP faces share: the face itself, its server, and how errors are answered."""
