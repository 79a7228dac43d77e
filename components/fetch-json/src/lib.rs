//! JSON from the network, filtered: `address.rs` reads the URL, `wire.rs` asks for it, the bundle's `json` filters it.

mod address;
mod wire;

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "skill", generate_all });
}

use address::Address;
use bindings::exports::example::fetch_json::fetch::{Error, Guest};
use bindings::vox::bundle::json::{self, Complaint};

struct FetchJson;

impl Guest for FetchJson {
    fn get(url: String, filter: String) -> Result<String, Error> {
        let address = Address::parse(&url).map_err(Error::InvalidUrl)?;
        let document = text(wire::get(&address)?)?;
        json::query(&document, &filter).map_err(unfiltered)
    }
}

/// JSON is UTF-8 (RFC 8259, section 8.1). A filter takes several documents one after the other, and would take none at
/// all without a word.
fn text(body: Vec<u8>) -> Result<String, Error> {
    let text = String::from_utf8(body).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::InvalidDocument(format!("it is not UTF-8: the byte at offset {at} begins no character"))
    })?;
    match text.trim_ascii().is_empty() {
        true => Err(Error::InvalidDocument("the answer is empty".to_owned())),
        false => Ok(text),
    }
}

/// What the filter's errors are here.
fn unfiltered(error: json::Error) -> Error {
    match error {
        json::Error::InvalidDocument(complaint) => Error::InvalidDocument(placed(complaint)),
        json::Error::InvalidFilter(complaint) => Error::InvalidFilter(placed(complaint)),
        json::Error::Failed(text) => Error::Failed(text),
        // `query` gives none of these; a later version of it may.
        json::Error::InvalidSchema(complaint) | json::Error::InvalidPatch(complaint) => {
            Error::Failed(placed(complaint))
        }
        json::Error::PatchConflict(text) => Error::Failed(text),
    }
}

/// A complaint in one line.
fn placed(complaint: Complaint) -> String {
    match complaint.at {
        Some(at) => format!("{} (line {}, column {})", complaint.message, at.line, at.column),
        None => complaint.message,
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(FetchJson with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::vox::bundle::json::Position;

    #[test]
    fn bytes_that_are_no_text_are_no_document() {
        assert_eq!(text(b"{\"a\":\"\xc3\xa9\"}".to_vec()).unwrap(), "{\"a\":\"é\"}");
        let Err(Error::InvalidDocument(why)) = text(b"{\"a\":\"\xe9\"}".to_vec()) else {
            panic!("Latin-1 is no UTF-8")
        };
        assert!(why.contains("offset 6"), "{why}");
        for empty in [&b""[..], b" \r\n\t"] {
            assert!(matches!(text(empty.to_vec()), Err(Error::InvalidDocument(why)) if why.contains("empty")));
        }
    }

    #[test]
    fn complaints_keep_their_place() {
        let at = Some(Position { offset: 9, line: 2, column: 4 });
        let complaint = Complaint { at, message: "a comma is missing".to_owned() };
        let Error::InvalidDocument(said) = unfiltered(json::Error::InvalidDocument(complaint)) else {
            panic!("it is the document that is wrong")
        };
        assert_eq!(said, "a comma is missing (line 2, column 4)");
        let complaint = Complaint { at: None, message: "unknown function".to_owned() };
        let Error::InvalidFilter(said) = unfiltered(json::Error::InvalidFilter(complaint)) else {
            panic!("it is the filter that is wrong")
        };
        assert_eq!(said, "unknown function");
    }
}
