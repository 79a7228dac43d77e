//! Every function over the features of the language, and what a hostile document tries.

use crate::bindings::exports::vox::bundle::markdown::{Error, FrontMatterFormat, LinkKind};
use crate::{head, html, links, outline, text};

fn safe(document: &str) -> String {
    html::write(document, false)
}

#[test]
fn html_of_every_feature() {
    let table: &[(&str, &str)] = &[
        ("# A *b* `c`", "<h1>A <em>b</em> <code>c</code></h1>\n"),
        ("a\nb  \nc", "<p>a\nb<br />\nc</p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
        ("> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"),
        ("```rs\nx < 1\n```", "<pre><code class=\"language-rs\">x &lt; 1\n</code></pre>\n"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr />\n<p>b</p>\n"),
        ("~~x~~ **y** __z__", "<p><del>x</del> <strong>y</strong> <strong>z</strong></p>\n"),
        ("[a](/b \"t\")", "<p><a href=\"/b\" title=\"t\">a</a></p>\n"),
        ("![a](/b)", "<p><img src=\"/b\" alt=\"a\" /></p>\n"),
        ("<https://e.org/ä>", "<p><a href=\"https://e.org/%C3%A4\">https://e.org/ä</a></p>\n"),
        ("[r]\n\n[r]: /x", "<p><a href=\"/x\">r</a></p>\n"),
        ("&copy; 5 < 6", "<p>© 5 &lt; 6</p>\n"),
        ("\\*no\\*", "<p>*no*</p>\n"),
        ("", ""),
    ];
    for (document, expected) in table {
        assert_eq!(safe(document), *expected, "{document:?}");
    }
    let table = safe("|a|b|\n|-|:-:|\n|1|2|");
    assert!(table.contains("<th>a</th>") && table.contains("<td style=\"text-align: center\">2</td>"), "{table}");
    let tasks = safe("- [x] a\n- [ ] b");
    assert_eq!(tasks.matches("checkbox").count(), 2);
    let notes = safe("a[^1]\n\n[^1]: n");
    assert!(notes.contains("footnote-reference") && notes.contains("footnote-definition"), "{notes}");
}

#[test]
fn html_in_the_document_is_text_unless_asked_for() {
    let document = "<script>alert(1)</script>\n\na <b onclick=x>c</b>";
    let html = safe(document);
    assert!(!html.contains("<script") && !html.contains("<b"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(html::write(document, true).contains("<b onclick=x>"));
}

#[test]
fn addresses_that_could_run_code_go() {
    let dangerous = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "data:image/svg+xml,x",
        "java&#10;script:x",
        "&#1;javascript:x",
        "&#x6A;avascript:x",
        "java&Tab;script:x",
        "data:,x",
    ];
    for address in dangerous {
        let html = safe(&format!("[a]({address}) ![a]({address})"));
        assert_eq!(html, "<p><a href=\"\">a</a> <img src=\"\" alt=\"a\" /></p>\n", "{address}");
    }
    assert!(html::is_unsafe(" \u{a0}javascript:x") && html::is_unsafe("java\nscript:x"));
    let harmless = [
        "https://e.org/?q=javascript:x",
        "/javascript:x",
        "#data:x",
        "mailto:a@b.c",
        "javascript",
        "a/b:c",
        "",
        "data:image/png;base64,AA",
        "DATA:IMAGE/GIF,x",
    ];
    for address in harmless {
        assert!(!html::is_unsafe(address), "{address}");
    }
    assert!(html::write("[a](javascript:x)", true).contains("javascript:x"));
    assert_eq!(safe("<javascript:alert(1)>"), "<p><a href=\"\">javascript:alert(1)</a></p>\n");
}

#[test]
fn no_document_gets_markup_through() {
    // Every mix of a few dangerous pieces: what comes out has only the tags that the writer makes itself.
    let pieces = ["<script>", "[a](", "javascript:x", ")", "\n\n", "`", "<!--", "-->", "![", "]", "\"", "'"];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let html = safe(&format!("{a}{b}{c}x{b}"));
                assert!(!html.contains("<script") && !html.contains("<!--"), "{a}{b}{c}: {html}");
                assert!(!html.contains("=\"javascript:"), "{a}{b}{c}: {html}");
            }
        }
    }
}

#[test]
fn plain_text() {
    let table: &[(&str, &str)] = &[
        ("# A *b*\n\ntext\nmore  \nline", "A b\n\ntext more\nline"),
        ("- a\n- b\n  - c\n- d\n\nend", "a\nb\nc\nd\n\nend"),
        ("- a\n\n- b", "a\n\nb"),
        ("|a|b|c|\n|-|-|-|\n|1||3|\n\nx", "a\tb\tc\n1\t\t3\n\nx"),
        ("```\nx\ny\n```\nz", "x\ny\n\nz"),
        ("a ![pic *x*](/p) <b>c</b>", "a pic x c"),
        ("a\n\n<div>\nx\n</div>\n\nb", "a\n\nb"),
        ("> q\n\na", "q\n\na"),
        ("a[^1] b\n\n[^1]: note", "a b\n\nnote"),
        ("- [x] done", "done"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("&amp; \\* 日本", "& * 日本"),
    ];
    for (document, expected) in table {
        assert_eq!(text::write(document), *expected, "{document:?}");
    }
}

#[test]
fn outline_is_a_tree_with_unique_anchors() {
    let document = "# Über *uns*!\n## A `b`\n### C\n## A b\n# A b\n\nSetext\n---\n\n#### ?!\n## a-b-1";
    let headings = outline::read(document);
    let seen: Vec<_> = headings.iter().map(|h| (h.level, h.text.as_str(), h.anchor.as_str(), h.parent)).collect();
    assert_eq!(
        seen,
        [
            (1, "Über uns!", "über-uns", None),
            (2, "A b", "a-b", Some(0)),
            (3, "C", "c", Some(1)),
            (2, "A b", "a-b-1", Some(0)),
            (1, "A b", "a-b-2", None),
            (2, "Setext", "setext", Some(4)),
            (4, "?!", "section", Some(5)),
            (2, "a-b-1", "a-b-1-1", Some(4)),
        ]
    );
}

#[test]
fn links_in_order() {
    let document = "[a *b*](/x \"t\") ![p](/i.png) <https://e.org> <m@e.org> [![q](/q)](/out) [r][]\n\n[r]: /ref 'R'";
    let links = links::read(document);
    let seen: Vec<_> = links.iter().map(|l| (l.kind, l.target.as_str(), l.text.as_str(), l.title.as_str())).collect();
    assert_eq!(
        seen,
        [
            (LinkKind::Link, "/x", "a b", "t"),
            (LinkKind::Image, "/i.png", "p", ""),
            (LinkKind::Autolink, "https://e.org", "https://e.org", ""),
            (LinkKind::Autolink, "m@e.org", "m@e.org", ""),
            (LinkKind::Link, "/out", "q", ""),
            (LinkKind::Image, "/q", "q", ""),
            (LinkKind::Link, "/ref", "r", "R"),
        ]
    );
}

#[test]
fn front_matter() {
    let read = |document: &str| head::read(document).expect("a valid head").expect("a head");
    let yaml = read("---\ntitle: Ä b\ntags: [x, 2, true, null]\nnested:\n  d: 2024-01-02\n---\n# Body\n");
    assert!(matches!(yaml.format, FrontMatterFormat::Yaml));
    assert_eq!(yaml.json, r#"{"title":"Ä b","tags":["x",2,true,null],"nested":{"d":"2024-01-02"}}"#);
    assert_eq!(yaml.body, "# Body\n");
    let toml = read("+++\r\na = 1\nt = 2024-01-02T03:04:05Z\n[b]\nc = [1.5, \"x\"]\n+++\r\nx");
    assert!(matches!(toml.format, FrontMatterFormat::Toml));
    assert_eq!(toml.json, r#"{"a":1,"t":"2024-01-02T03:04:05Z","b":{"c":[1.5,"x"]}}"#);
    assert_eq!(toml.body, "x");
    assert_eq!(read("---\n---\nx").json, "{}");
    assert_eq!(read("---\na: 1\n...\nx").body, "x");
    for document in ["", "x", "---", "---\n", "---\n\nrule", "----\na\n----", " ---\na: 1\n---"] {
        assert!(head::read(document).expect("no error").is_none(), "{document:?}");
    }
    assert_eq!(safe("---\na: 1\n---\n# B"), "<h1>B</h1>\n");
    assert_eq!(text::write("+++\na = 1\n+++\nB"), "B");
}

#[test]
fn front_matter_errors_say_where() {
    let message = |document: &str| match head::read(document) {
        Err(Error::InvalidFrontMatter(message)) => message,
        Ok(_) => panic!("`{document}` is read"),
    };
    assert!(message("---\na: 1\n").contains("does not close"));
    assert!(message("+++\na = 1\nb = \n+++\n").starts_with("not TOML, line 3, column"));
    let yaml = message("---\na: 1\nb: [1\n---\n");
    assert!(yaml.starts_with("not YAML, line "), "{yaml}");
    // A document of references to references must end, one way or the other.
    let mut bomb = String::from("---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    bomb.push_str("---\n");
    assert!(message(&bomb).starts_with("not YAML"));
}

#[test]
fn deep_documents_end() {
    for document in ["> ".repeat(20_000), "[".repeat(20_000), "- ".repeat(5_000) + "x", "*".repeat(20_001)] {
        safe(&document);
        text::write(&document);
        links::read(&document);
    }
    let deep = format!("---\na: {}\n---\n", "[".repeat(20_000));
    assert!(head::read(&deep).is_err());
}
