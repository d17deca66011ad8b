//! Tables of casts.
