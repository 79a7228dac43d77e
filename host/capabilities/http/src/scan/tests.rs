//! Every encoding, at every split.

use super::*;
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

const SECRET: &str = "sk-Live/9+a b~Z%4\"x";

fn needles(secret: &str) -> Arc<Needles> {
    Needles::new(&[("token", secret)]).unwrap()
}

/// What comes through, or the leak, when a text arrives in these pieces.
fn run(needles: &Arc<Needles>, pieces: &[&[u8]]) -> (Vec<u8>, Option<Leak>) {
    let mut scanner = Scanner::new(needles.clone());
    let mut through = Vec::new();
    for piece in pieces {
        match scanner.push(piece) {
            Ok(bytes) => through.extend_from_slice(&bytes),
            Err(leak) => return (through, Some(leak)),
        }
    }
    match scanner.finish() {
        Ok(bytes) => through.extend_from_slice(&bytes),
        Err(leak) => return (through, Some(leak)),
    }
    (through, None)
}

fn percent(secret: &str, which: impl Fn(usize) -> bool, upper: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for (index, byte) in secret.bytes().enumerate() {
        match (which(index), upper) {
            (true, true) => text.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            (true, false) => text.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            (false, _) if byte == b'%' => text.extend_from_slice(b"%25"),
            (false, _) => text.push(byte),
        }
    }
    text
}

/// Each with the number of characters before the first one that is all secret.
fn encodings(secret: &str) -> Vec<(&'static str, Vec<u8>, usize)> {
    let hex = |upper: bool| -> Vec<u8> {
        let digits = |b: u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
        secret.bytes().map(digits).collect::<String>().into_bytes()
    };
    let base64 = |before: &str, after: &str| STANDARD_NO_PAD.encode(format!("{before}{secret}{after}")).into_bytes();
    let url = |before: &str, after: &str| URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}")).into_bytes();
    vec![
        ("raw", secret.as_bytes().to_vec(), 0),
        ("form", secret.replace('%', "%25").replace(' ', "+").into_bytes(), 0),
        ("hex", hex(false), 0),
        ("HEX", hex(true), 0),
        ("base64, offset 0", base64("", "after"), 0),
        ("base64, offset 1", base64("u", ""), 2),
        ("base64, offset 2", base64("u:", "x"), 3),
        ("base64url, offset 0", url("", ""), 0),
        ("base64url, offset 1", url("user", "after"), 6),
        ("base64url, offset 2", url("?:", "after"), 3),
        ("percent, every byte", percent(secret, |_| true, false), 0),
        ("PERCENT, every byte", percent(secret, |_| true, true), 0),
        ("percent, mixed", percent(secret, |i| i % 3 == 1, true), 0),
        ("JSON", serde_json::to_string(secret).unwrap().trim_matches('"').as_bytes().to_vec(), 0),
        ("JSON of PHP", secret.replace('"', "\\\"").replace('/', "\\/").into_bytes(), 0),
        ("JSON, all escaped", secret.bytes().map(|b| format!("\\u{b:04X}")).collect::<String>().into_bytes(), 0),
        ("percent around base64", percent(&STANDARD_NO_PAD.encode(secret), |i| i % 2 == 0, false), 0),
    ]
}

/// K2 of the threat model: every encoding, split at each offset, and what comes through never holds its end.
#[test]
fn every_encoding_is_found_at_every_split() {
    let needles = needles(SECRET);
    for (name, encoded, lead) in encodings(SECRET) {
        let text = [b"{\"echo\": \"".as_slice(), &encoded, b"\"}"].concat();
        for split in 0..=text.len() {
            let (through, leak) = run(&needles, &[&text[..split], &text[split..]]);
            assert_eq!(leak, Some(Leak("token".to_owned())), "{name} split at {split}");
            assert!(through.len() <= 10 + lead, "{name} split at {split}: {} bytes came through", through.len());
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert!(run(&needles, &bytes).1.is_some(), "{name} byte by byte");
    }
}

#[test]
fn secrets_in_a_row_of_beginnings_are_found() {
    let needles = needles("aaaaaaab");
    assert!(run(&needles, &[b"aaaaaaaaaaaaaaaa", b"aaaaab"]).1.is_some());
    assert!(run(&needles, &[b"%61aaaaaa%", b"61", b"aa\\u0062"]).1.is_none(), "two kinds of escapes mixed are no form");
    assert!(run(&needles, &[b"%%61aaaaaa", b"%6", b"2"]).1.is_some());
    assert!(run(&needles, &[b"%%%25\\", b"%61%61%61%61aaa%62"]).1.is_some());
}

#[test]
fn header_fields_are_searched() {
    let needles = needles("Sk-Live-12345");
    let fields = |name: &'static str, value: &str| {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    };
    assert!(needles.check_fields(&fields("x-echo", "Bearer Sk-Live-12345")).is_err());
    assert!(needles.check_fields(&fields("location", "https://a.example/?k=Sk%2dLive-12345")).is_err());
    assert!(needles.check_fields(&fields("sk-live-12345", "x")).is_err(), "names are lower-case");
    assert!(needles.check_fields(&fields("x-echo", "Sk-Live-1234")).is_ok());
}

/// What cannot begin a secret is handed on at once, and what can is held from its first byte on: a stream goes on.
#[test]
fn only_what_could_begin_a_secret_is_held() {
    let needles = needles("sk-Live-9f8e");
    for (pieces, given) in [
        (&["abd"][..], "abd"),
        (&["abc sk-"], "abc "),
        (&["abc sk-Live", "x"], "abc sk-Livex"),
        (&["sk-Liv", "sk-L"], "sk-Liv"),
        // Escapes: what is none goes on as soon as that is clear, what could be one waits.
        (&["100%"], "100"),
        (&["100%y"], "100%y"),
        (&["100%7"], "100"),
        (&["100%7y"], "100%7y"),
        (&["100%2a"], "100%2a"),
        (&["a%ysk-"], "a%y"),
        (&["a%%sk-"], "a%%"),
        (&["a\\u00"], "a"),
        (&["a\\u00g"], "a\\u00g"),
        (&["a\\u0041"], "a\\u0041"),
        (&["a\\x4"], "a"),
        (&["a\\nb"], "a\\nb"),
        (&["a\\u0073k"], "a"),
        (&["a%73k-Li"], "a"),
        (&["a%73k-Li", "f"], "a%73k-Lif"),
    ] {
        let mut scanner = Scanner::new(needles.clone());
        let mut through = Vec::new();
        for piece in pieces {
            through.extend_from_slice(&scanner.push(piece.as_bytes()).unwrap());
        }
        assert_eq!(String::from_utf8_lossy(&through), given, "{pieces:?}");
        through.extend_from_slice(&scanner.finish().unwrap());
        assert_eq!(String::from_utf8_lossy(&through), pieces.concat(), "{pieces:?} to its end");
    }
}

/// What ends before the secret does is none, in base64 too.
#[test]
fn the_beginning_of_a_secret_alone_comes_through() {
    let needles = needles(SECRET);
    for (name, encoded, lead) in encodings(SECRET) {
        // The characters at its end that hold bits of a neighbour are not looked for.
        let whole = encoded.len() - encoded.len().min(if name.starts_with("base64") { 12 } else { 2 });
        let text = [&encoded[..whole.max(lead)], b"!".as_slice()].concat();
        assert_eq!(run(&needles, &[&text]), (text.clone(), None), "{name}");
    }
}

/// A long text without a beginning of a secret costs no memory.
#[test]
fn a_long_text_does_not_pile_up() {
    let mut scanner = Scanner::new(needles(SECRET));
    let text = vec![b'.'; 1 << 20];
    assert_eq!(scanner.push(&text).unwrap().len(), text.len());
    let most = scanner.views.iter().map(|view| view.live.capacity()).max().unwrap();
    // Room for four of the longest secrets and one byte, as vectors grow: looking more often would cost more.
    assert!((4 * MAX_SECRET + 1..=8 * MAX_SECRET).contains(&most), "{most} places are remembered");
}

#[test]
fn nothing_shows_a_secret() {
    let shown = format!("{:?}", needles(SECRET));
    assert!(shown.contains("token") && !shown.contains("sk-Live"), "{shown}");
}

proptest! {
    /// What holds no secret comes through whole, in whatever pieces it arrives.
    #[test]
    fn other_text_comes_through(
        pieces in proptest::collection::vec("(%|\\\\|u00|[a-f0-9]|sk-Live|x){0,12}", 0..12),
    ) {
        let text: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        let (through, leak) = run(&needles("sk-Live-9f8e"), &text);
        prop_assert_eq!(leak, None);
        prop_assert_eq!(through, pieces.concat().into_bytes());
    }

    /// A secret in the middle of anything is found, in whatever pieces it arrives.
    #[test]
    fn a_secret_is_found(before in "(%|\\\\|u|4|[a-f0-9]){0,9}", which in 0usize..17, size in 1usize..9) {
        let encoded = encodings(SECRET)[which].1.clone();
        // An open escape before it swallows the beginning of what follows, as it would in whatever decodes it.
        let text = [before.as_bytes(), b" ", &encoded].concat();
        let pieces: Vec<&[u8]> = text.chunks(size).collect();
        let (through, leak) = run(&needles(SECRET), &pieces);
        prop_assert!(leak.is_some());
        prop_assert!(through.len() <= before.len() + 1 + encodings(SECRET)[which].2, "{}", String::from_utf8_lossy(&through));
    }
}
