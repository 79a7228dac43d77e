//! Every function through the same door as the component uses, with the places of errors.

mod documents;
mod filters;
mod limits;

use crate::Json;
use crate::bindings::exports::vox::bundle::json::{Complaint, Error, Guest, Style};

fn query(document: &str, filter: &str) -> Result<String, Error> {
    Json::query(document.to_owned(), filter.to_owned())
}

fn extract(document: &str, filter: &str) -> Result<String, Error> {
    Json::extract(document.to_owned(), filter.to_owned())
}

/// The outputs of a filter, which has to succeed.
fn outputs(document: &str, filter: &str) -> Vec<String> {
    match query(document, filter) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) => panic!("{filter} on {document}: {error:?}"),
    }
}

/// Where a complaint is, as offset, line and column, and what it says.
fn placed(complaint: Complaint) -> (Option<(u32, u32, u32)>, String) {
    (complaint.at.map(|at| (at.offset, at.line, at.column)), complaint.message)
}
