//! The `json` part of the bundle: this file joins the interface `vox:bundle/json` to the modules that do the work.
//!
//! | module | work |
//! |---|---|
//! | `read` | the one reader of documents, for every shape that the others want |
//! | `query` | the jq language: `query` and `extract` |
//! | `library` | the definitions of that language, parsed at build time |
//! | `write` | results of a filter as JSON |
//! | `tree` | documents as text pieces: `format` |
//! | `change` | `patch` and `merge` |
//! | `schema` | `validate` |

mod change;
mod complain;
mod library;
mod query;
mod read;
mod schema;
mod tree;
mod write;

#[cfg(test)]
mod tests;

use bindings::exports::vox::bundle::json::{Error, Guest, Style, Violation};

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/bundle", world: "json-part" });
}

#[global_allocator]
static ALLOCATOR: vox_guest_alloc::GuestAlloc = vox_guest_alloc::GuestAlloc::new();

/// What runs once, when the component is built: the results are part of the memory that every call starts from.
#[cfg(target_family = "wasm")]
#[unsafe(export_name = "wizer-initialize")]
extern "C" fn initialize() {
    ALLOCATOR.build_time(library::prepare);
}

struct Json;

impl Guest for Json {
    fn query(document: String, filter: String) -> Result<String, Error> {
        query::run(document, &filter, query::Strings::Quoted)
    }

    fn extract(document: String, filter: String) -> Result<String, Error> {
        query::run(document, &filter, query::Strings::Raw)
    }

    fn format(document: String, style: Option<Style>) -> Result<String, Error> {
        let style = style.unwrap_or(Style { indent: 2, sort_keys: false });
        tree::format(&document, style)
    }

    fn validate(document: String, schema: String) -> Result<Vec<Violation>, Error> {
        schema::validate(&document, &schema)
    }

    fn patch(document: String, patch: String) -> Result<String, Error> {
        change::patch(&document, &patch)
    }

    fn merge(document: String, patch: String) -> Result<String, Error> {
        change::merge(&document, &patch)
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Json with_types_in bindings);
