//! Pure engines.
