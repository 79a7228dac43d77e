//! The `markdown` part of the bundle: this file joins the interface `vox:bundle/markdown` to the modules that do the
//! work. One parser setting serves all of them, and all but `front-matter` skip the head of a document.

mod head;
mod html;
mod links;
mod outline;
mod text;

#[cfg(test)]
mod tests;

use bindings::exports::vox::bundle::markdown::{DocumentHead, Error, Guest, Heading, HtmlOptions, Link};
use pulldown_cmark::{Options, Parser};

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/bundle", world: "markdown-part" });
}

#[global_allocator]
static ALLOCATOR: vox_guest_alloc::GuestAlloc = vox_guest_alloc::GuestAlloc::new();

/// A parser over the body of a document.
fn parse(document: &str) -> Parser<'_> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    Parser::new_ext(head::body(document), options)
}

struct Markdown;

impl Guest for Markdown {
    fn to_html(document: String, options: Option<HtmlOptions>) -> String {
        html::write(&document, options.is_some_and(|options| options.raw_html))
    }

    fn to_text(document: String) -> String {
        text::write(&document)
    }

    fn outline(document: String) -> Vec<Heading> {
        outline::read(&document)
    }

    fn links(document: String) -> Vec<Link> {
        links::read(&document)
    }

    fn front_matter(document: String) -> Result<Option<DocumentHead>, Error> {
        head::read(&document)
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Markdown with_types_in bindings);
