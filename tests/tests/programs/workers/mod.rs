//! Commands that serve imports: good ones and hostile ones, as plain processes and in containers of each engine.

mod hostile;
mod local;
mod random;
pub mod stage;
