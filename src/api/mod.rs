//! Programs' door to the desk. So far there is one way in: the socket in the data directory.

pub mod local;
