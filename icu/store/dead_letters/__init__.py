"""Dead letters: records that could not be stored, as they are inserted, named, read and served."""
