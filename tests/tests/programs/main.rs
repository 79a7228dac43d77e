//! Programs of skills, through the whole program, with real container engines: refused without a grant and without an engine,
//! on granted folders behind the overlay, under limits, in the audit.

mod describe;
mod folders;
mod grants;
mod limits;
mod work;
mod workers;
