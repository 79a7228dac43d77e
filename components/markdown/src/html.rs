//! `to-html`, safe unless asked otherwise.

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};

/// Schemes whose addresses can run code or carry a document that does.
const UNSAFE_SCHEMES: &[&str] = &["javascript", "vbscript", "data"];

/// What `data:` may carry all the same: pictures that hold no code, which leaves out SVG.
const SAFE_DATA: &[&str] =
    &["image/png", "image/gif", "image/jpeg", "image/webp", "image/avif", "image/bmp", "image/x-icon"];

/// Writes the body of a document as HTML.
pub(crate) fn write(document: &str, raw: bool) -> String {
    let mut out = String::with_capacity(document.len() + document.len() / 2);
    let events = crate::parse(document);
    if raw {
        pulldown_cmark::html::push_html(&mut out, events);
    } else {
        pulldown_cmark::html::push_html(&mut out, events.map(tame));
    }
    out
}

/// Turns HTML into text and takes unsafe addresses away.
fn tame(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: safe(dest_url), title, id })
        }
        event => event,
    }
}

fn safe(address: CowStr<'_>) -> CowStr<'_> {
    if is_unsafe(&address) { CowStr::Borrowed("") } else { address }
}

/// Reads the scheme as browsers do: leading space and control characters, and any tab or line end, do not count.
pub(crate) fn is_unsafe(address: &str) -> bool {
    let address = address.trim_start_matches(|c: char| c <= ' ' || c.is_whitespace() || c.is_control());
    let mut letters = address.chars().filter(|c| !c.is_control() && !c.is_whitespace());
    let mut scheme = String::new();
    let mut ends = false;
    for letter in letters.by_ref() {
        match letter {
            ':' => {
                ends = true;
                break;
            }
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '-' | '.' => scheme.push(letter.to_ascii_lowercase()),
            // Something else before a colon: this address has no scheme.
            _ => return false,
        }
        if scheme.len() > 16 {
            return false;
        }
    }
    if !ends {
        return false;
    }
    if scheme == "data" {
        let kind: String = letters.take_while(|c| !matches!(c, ';' | ',')).take(32).collect();
        return !SAFE_DATA.contains(&kind.to_ascii_lowercase().as_str());
    }
    UNSAFE_SCHEMES.contains(&scheme.as_str())
}
