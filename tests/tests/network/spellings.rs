//! A10: no spelling of an address inside is ever connected to, through the library and through a guest, and redirects
//! are not followed. N1 to N6 of the threat model.

use crate::sending::{call, client, get, grant};
use crate::servers::Ground;
use crate::urls;
use std::net::IpAddr;
use std::sync::Arc;
use vox_capabilities::http::{Resolve, Resolving};
use vox_tests::luck::Luck;
use vox_tests::program::Place;
use vox_tests::{need, needs};

const SEED: u64 = 0xa10;

/// Random spellings besides the fixed ones.
const RANDOM: u64 = 100;

/// Requests of one call: the limit is 32, and refused ones count.
const AT_ONCE: usize = 30;

/// Every name leads to this machine.
struct Inward;

impl Resolve for Inward {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

fn inside(ground: &Ground, luck: &mut Luck) -> Vec<String> {
    let good = ground.good.address.to_string();
    let all = urls::inside(&good, ground.port(), RANDOM * needs::scale(), luck);
    assert!(all.len() >= 500, "{}", all.len());
    all
}

/// The URL as the library's types take it: whole, and put together from parts as a guest does.
fn uris(url: &str) -> Vec<http::Uri> {
    let whole = url.parse().ok();
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let path = if end == rest.len() { "/" } else { &rest[end..] };
        http::Uri::builder().scheme(scheme).authority(&rest[..end]).path_and_query(path).build().ok()
    });
    whole.into_iter().chain(parts).collect()
}

/// Names that are granted lead inside here; so does the wildcard.
#[tokio::test]
async fn no_spelling_leads_inside_through_the_library() {
    let ground = need!("loopback addresses", Ground::start());
    let port = ground.port();
    let origin = ground.good.url();
    let wide = [
        origin.clone(),
        format!("http://good.example:{port}"),
        format!("http://127.0.0.1.nip.io:{port}"),
        format!("http://localtest.me:{port}"),
        format!("http://metadata.google.internal:{port}"),
        format!("https://*.example:{port}").replace("*.example", "*.wild.example"),
    ];
    let client = client(Arc::new(Inward));
    let http = call(&client, grant(&wide));
    let mut luck = Luck::of(SEED);
    let (mut asked, mut answered) = (0, 0);
    for url in inside(&ground, &mut luck) {
        for uri in uris(&url) {
            asked += 1;
            if get(&http, uri.clone()).await.is_ok() {
                answered += 1;
                assert!(urls::is_granted(&url, &origin), "{url} as {uri} was answered");
            }
            ground.check(&url);
        }
    }
    // Most are refused by the types already; what is left has to be enough to mean something.
    assert!(asked >= 400, "{asked} requests");
    assert_eq!(ground.good.accepted(), answered);
    for url in urls::good(&origin) {
        let uri: http::Uri = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(get(&http, uri).await.unwrap_or_else(|error| panic!("{url}: {error:?}")).1, b"good", "{url}");
    }
}

/// Calls the guest with some URLs at a time and gives what became of each.
fn through_guest(place: &Place, origin: &str, urls: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for some in urls.chunks(AT_ONCE) {
        place.put("urls.json", serde_json::json!({ "urls": some }).to_string());
        let words =
            ["call", "http_guest.wasm", "each", "--json", "@urls.json", "--allow-http", origin, "--format", "json"];
        let ran = place.expect(0, &words);
        let got: Vec<String> = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        assert_eq!(got.len(), some.len());
        told.extend(got);
    }
    told
}

#[test]
fn no_spelling_leads_inside_through_a_guest() {
    let place = need!("the guest `http_guest`", Place::with_guests(&["http_guest"]));
    let ground = need!("loopback addresses", Ground::start());
    let origin = ground.good.url();
    let mut luck = Luck::of(SEED);
    let urls = inside(&ground, &mut luck);
    for (url, told) in urls.iter().zip(through_guest(&place, &origin, &urls)) {
        assert!(!told.starts_with("200") || urls::is_granted(url, &origin), "{url}: {told}");
    }
    ground.check("a guest");
    let good = urls::good(&origin);
    for (url, told) in good.iter().zip(through_guest(&place, &origin, &good)) {
        assert!(told.starts_with("200") && told.ends_with("good"), "{url}: {told}");
    }
    let before = ground.good.accepted();
    let redirects: Vec<_> = [301, 302, 303, 307, 308].map(|status| format!("{origin}/to/{status}")).into();
    for (url, told) in redirects.iter().zip(through_guest(&place, &origin, &redirects)) {
        assert!(told.starts_with('3') && told.contains("/inside"), "{url}: {told}");
    }
    ground.check("a redirect");
    assert_eq!(
        ground.good.accepted() - before,
        redirects.len(),
        "one connection for each, and none for where they lead"
    );
}
