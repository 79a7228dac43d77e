//! Reports on tables: the program describes them, this writes it down. `markdown.rs` makes the tables.

mod markdown;

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "skill", generate_all });
}

use bindings::acme::frames::describe::{self, Column, Error, Options};
use bindings::exports::example::describe::reports::Guest;

/// The most frequent texts that a report names.
const TOP: u32 = 3;

struct Describe;

impl Guest for Describe {
    fn report(csv: String, columns: Option<Vec<String>>, separator: Option<char>) -> Result<String, Error> {
        let options = Options { separator: separator.unwrap_or(','), top: TOP, columns };
        let columns: Vec<Column> = describe::describe(&csv, &options)?;
        Ok(markdown::report(&columns))
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Describe with_types_in bindings);
