//! Asks the JSON part of the bundle for the titles of a feed.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "uses-json", generate_all });
}

use bindings::vox::bundle::json::{self, Error};

struct UsesJson;

impl bindings::Guest for UsesJson {
    fn titles(feed: String) -> Result<Vec<String>, String> {
        let titles = json::extract(&feed, ".items[].title").map_err(|error| match error {
            Error::InvalidDocument(complaint) => complaint.message,
            other => format!("{other:?}"),
        })?;
        Ok(titles.lines().map(str::to_owned).collect())
    }
}

bindings::export!(UsesJson with_types_in bindings);
