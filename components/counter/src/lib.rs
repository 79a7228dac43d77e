//! Counters that outlive the call: this file joins the interface to the store, `number.rs` has the rules.

mod number;

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "skill", generate_all });
}

use bindings::exports::example::counter::counter::{Entry, Error, Guest};
use bindings::wasi::keyvalue::atomics;
use bindings::wasi::keyvalue::store::{self, Bucket};

struct Counter;

impl Guest for Counter {
    fn increment(name: String, by: Option<u64>) -> Result<u64, Error> {
        number::checked(&name)?;
        let bucket = open()?;
        let by = by.unwrap_or(1);
        atomics::increment(&bucket, &name, by).map_err(|error| {
            // The store says both of these in words only; what stands there tells them from the rest.
            match found(&bucket, &name) {
                Ok(Some(value)) if value.checked_add(by).is_none() => Error::Overflow,
                Err(Error::Damaged(name)) => Error::Damaged(name),
                _ => refused(error),
            }
        })
    }

    fn value(name: String) -> Result<u64, Error> {
        number::checked(&name)?;
        found(&open()?, &name)?.ok_or(Error::Unknown(name))
    }

    fn list() -> Result<Vec<Entry>, Error> {
        let bucket = open()?;
        let mut entries = Vec::new();
        let mut cursor = None;
        loop {
            let page = bucket.list_keys(cursor).map_err(refused)?;
            for name in page.keys {
                // None where it was removed since the page was made.
                if let Some(value) = found(&bucket, &name)? {
                    entries.push(Entry { name, value });
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn reset(name: String) -> Result<u64, Error> {
        number::checked(&name)?;
        let bucket = open()?;
        let last = match found(&bucket, &name) {
            Ok(Some(value)) => value,
            Ok(None) => return Err(Error::Unknown(name)),
            Err(Error::Damaged(_)) => 0,
            Err(other) => return Err(other),
        };
        bucket.delete(&name).map_err(refused)?;
        Ok(last)
    }
}

/// The default bucket: one is enough.
fn open() -> Result<Bucket, Error> {
    store::open("").map_err(refused)
}

/// The value of a counter, none where there is no such counter.
fn found(bucket: &Bucket, name: &str) -> Result<Option<u64>, Error> {
    let Some(bytes) = bucket.get(name).map_err(refused)? else { return Ok(None) };
    number::read(&bytes).map(Some).ok_or_else(|| Error::Damaged(name.to_owned()))
}

fn refused(error: store::Error) -> Error {
    match error {
        store::Error::AccessDenied => Error::Denied,
        store::Error::NoSuchStore => Error::Store("the host has no store of this name".to_owned()),
        store::Error::Other(text) => Error::Store(text),
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Counter with_types_in bindings);
