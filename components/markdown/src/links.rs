//! `links`: every link and image.

use crate::bindings::exports::vox::bundle::markdown::{Link, LinkKind};
use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

/// Reads the links and images in the order in which they start.
pub(crate) fn read(document: &str) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // An image can stand inside a link, and its description is then part of the text of both.
    let mut open: Vec<usize> = Vec::new();
    for event in crate::parse(document) {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, title, .. }) => {
                let kind = match link_type {
                    LinkType::Autolink | LinkType::Email => LinkKind::Autolink,
                    _ => LinkKind::Link,
                };
                open.push(links.len());
                links.push(link(kind, &dest_url, &title));
            }
            Event::Start(Tag::Image { dest_url, title, .. }) => {
                open.push(links.len());
                links.push(link(LinkKind::Image, &dest_url, &title));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                open.pop();
            }
            Event::Text(text) | Event::Code(text) => open.iter().for_each(|at| links[*at].text.push_str(&text)),
            Event::SoftBreak | Event::HardBreak => open.iter().for_each(|at| links[*at].text.push(' ')),
            _ => {}
        }
    }
    links
}

fn link(kind: LinkKind, target: &str, title: &str) -> Link {
    Link { kind, target: target.to_owned(), text: String::new(), title: title.to_owned() }
}
