//! `validate`: JSON Schema, drafts 4 to 2020-12.
//!
//! Written here, because the crates for it are larger than a whole component may be (docs in the README). A schema is
//! read once ([`index`]): its form is checked, its references are found, its patterns are compiled. Then documents are
//! walked along the schema ([`check`]). `format` and the `content…` keywords are annotations, as 2020-12 has it.

mod check;
mod decimal;
mod form;
mod index;
mod keywords;
mod uri;

#[cfg(test)]
mod tests;

use crate::bindings::exports::vox::bundle::json::{Error, Violation};
use crate::{change, complain};

/// Checks a document against a schema.
pub(crate) fn validate(document: &str, schema: &str) -> Result<Vec<Violation>, Error> {
    let document = change::tree(document).map_err(Error::InvalidDocument)?;
    let schema = change::tree(schema).map_err(Error::InvalidSchema)?;
    let invalid = |message: String| Error::InvalidSchema(complain::whole(message));
    let index = index::Index::read(&schema).map_err(invalid)?;
    check::run(&index, &document).map_err(invalid)
}
