//! The `regex` part of the bundle: this file joins the interface `vox:bundle/regex` to the functions of [`search`].

mod search;

#[cfg(test)]
mod tests;

use bindings::exports::vox::bundle::regex::{Capture, Error, Guest, Span};

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/bundle", world: "regex-part" });
}

#[global_allocator]
static ALLOCATOR: vox_guest_alloc::GuestAlloc = vox_guest_alloc::GuestAlloc::new();

struct Regex;

impl Guest for Regex {
    fn is_match(text: String, pattern: String) -> Result<bool, Error> {
        search::is_match(&text, &pattern)
    }

    fn find_all(text: String, pattern: String) -> Result<Vec<Span>, Error> {
        search::find_all(&text, &pattern)
    }

    fn captures(text: String, pattern: String) -> Result<Vec<Vec<Capture>>, Error> {
        search::captures(&text, &pattern)
    }

    fn replace(text: String, pattern: String, replacement: String) -> Result<String, Error> {
        search::replace(&text, &pattern, &replacement)
    }

    fn split(text: String, pattern: String) -> Result<Vec<String>, Error> {
        search::split(&text, &pattern)
    }

    fn escape(text: String) -> String {
        regex_syntax::escape(&text)
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Regex with_types_in bindings);
