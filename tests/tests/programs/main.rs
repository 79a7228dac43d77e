//! Programs of skills, through the whole program, with real container engines: refused without a grant and without an engine,
//! on granted folders behind the overlay, under limits, in the audit, with no way to the network but
//! the one that the grants name.

mod asynchronous;
#[allow(dead_code, reason = "the tests of the network use the rest")]
#[path = "../network/authority.rs"]
mod authority;
mod contract;
mod describe;
mod folders;
mod grants;
mod kills;
mod limits;
mod network;
mod ready;
#[allow(dead_code, reason = "the tests of the network use the rest")]
#[path = "../network/servers.rs"]
mod servers;
mod work;
mod workers;
