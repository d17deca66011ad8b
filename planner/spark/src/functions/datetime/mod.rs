//! Functions of dates, times, timestamps and intervals: Spark's group `datetime_funcs`.

mod arithmetic;
mod current;
mod fields;
mod intervals;
mod make;
mod support;
mod text;
mod time;
mod truncate;
mod unix;
mod window;
mod zone_names;
mod zones;

#[cfg(test)]
mod tests;

use super::Function;

pub use window::{SessionSpec, WindowSpec, session_spec, window_at, window_spec, window_type};

/// The rows of every file.
pub(super) const TABLES: &[&[Function]] = &[
    arithmetic::ROWS,
    current::ROWS,
    fields::ROWS,
    intervals::ROWS,
    make::ROWS,
    text::ROWS,
    time::ROWS,
    truncate::ROWS,
    unix::ROWS,
    window::ROWS,
    zones::ROWS,
];
