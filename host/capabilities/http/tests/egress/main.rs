//! The way out for programs: what is granted gets through by it, and nothing else does. Sections 4.3 and 4.4 of the threat
//! model, spoken with bytes that no library would send.

#[path = "../common/mod.rs"]
mod common;
mod door;
mod requests;
mod shares;
mod tunnels;
