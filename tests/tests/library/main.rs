//! vox as a library: what a program that embeds it relies on.

mod asynchronous;
mod cache;
mod calls;
mod cancel;
mod composed;
mod decisions;
mod kept;
mod limits_held;
mod types;
