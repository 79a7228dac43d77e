//! The command line as people and scripts meet it.

mod codes;
mod exits;
mod hostile;
mod streams;
mod transcripts;
