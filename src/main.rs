//! duly.
fn main() {}
