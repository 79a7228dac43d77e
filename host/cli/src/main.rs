//! vox
fn main() {}
