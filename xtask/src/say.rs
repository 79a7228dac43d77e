//! The one place that writes to the terminal: progress goes to standard error, never to standard output.

#![allow(
    clippy::print_stderr,
    reason = "every other file is kept from printing, so that what a chore says is decided here"
)]

/// Says what is being done, on a line of its own.
pub fn step(text: &str) {
    eprintln!("xtask: {text}");
}

/// Opens a section of a long chore.
pub fn heading(text: &str) {
    eprintln!("\n==> {text}");
}

/// Says why a chore failed: what was to be done first, the cause of it below.
pub fn failure(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {}", cause.to_string().trim_end());
    }
}
