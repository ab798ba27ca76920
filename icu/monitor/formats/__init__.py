"""Forms in which a patient's history is answered, a file each."""
