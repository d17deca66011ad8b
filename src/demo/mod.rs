//! The demo: its events. Running it is for the command to do.

pub mod generate;
