//! Agent Skills from elsewhere, through the whole program: imported, looked at, run with real container engines.

mod component;
mod examples;
mod grants;
mod import;
mod limits;
mod network;
#[allow(dead_code, reason = "the tests of the network use the rest")]
#[path = "../network/servers.rs"]
mod servers;
mod work;
