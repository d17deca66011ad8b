//! Runs staged plans on rayon and owns the files beneath.
