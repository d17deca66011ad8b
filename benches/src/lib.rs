//! Measurements, side by side with the peers; each is a program of its own under `src/bin`.
