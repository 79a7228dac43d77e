//! Guests and components that mean harm. Each test says which promise of `docs/security.md` it holds to its word.

mod bombs;
mod cpu;
mod crossing;
mod files;
mod folders;
mod malformed;
mod memory;
mod output;
