//! Agent Skills from elsewhere, through the whole program: imported, looked at, run with real container engines.

mod component;
mod examples;
mod grants;
mod import;
mod limits;
mod work;
