//! What a person grants, through the whole program: off refuses and says how, on works, and all of it is taken down.

mod examples;
mod files;
mod http;
mod manifest;
mod person;
mod store;
mod work;
