//! Epochs, watermarks, state and recovery.
