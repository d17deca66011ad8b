//! The Delta log: its directory, its actions, what they add up to, and which protocols we know. It decides no commit.

pub(crate) mod actions;
pub(crate) mod checkpoint;
pub(crate) mod dir;
pub(crate) mod features;
pub(crate) mod load;
pub(crate) mod properties;
pub(crate) mod replay;
