//! Certificates, through the command: an authority of one's own works, and each bad certificate has its own error.

use crate::authority::{Authority, NOW};
use crate::servers::Server;
use vox_tests::need;
use vox_tests::program::{Place, Ran};

fn get(place: &Place, server: &Server, more: &[&str]) -> Ran {
    let origin = format!("https://{}", server.address);
    let words = ["call", "http_guest.wasm", "get", &origin, "--allow-http", &origin];
    place.run(&[&words[..], more].concat())
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let place = need!("the guest `http_guest`", Place::with_guests(&["http_guest"]));
    let (own, other) = (Authority::new(), Authority::new());
    place.put("own.pem", own.pem());
    place.put("both.pem", format!("{}{}", other.pem(), own.pem()));
    // The same name, and another key.
    place.put("other.pem", other.pem());
    let server = own.server("127.0.0.1", NOW);
    for file in ["own.pem", "both.pem"] {
        let ran = get(&place, &server, &["--http-ca", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "over TLS\n"), "{ran:?}");
    }
    for more in [&[][..], &["--http-ca", "other.pem"]] {
        let ran = get(&place, &server, more);
        let said =
            "nobody who is trusted signed the certificate of the host; for an authority of your own add --http-ca FILE";
        assert!(ran.code == Some(1) && ran.stderr.contains(said), "{ran:?}");
        let json = get(&place, &server, &[more, &["--format", "json"]].concat());
        assert!(json.code == Some(1) && json.stderr.contains(said), "{json:?}");
    }
}

#[test]
fn each_bad_certificate_has_an_error_of_its_own() {
    let place = need!("the guest `http_guest`", Place::with_guests(&["http_guest"]));
    let own = Authority::new();
    place.put("own.pem", own.pem());
    for (name, years, said) in [
        ("127.0.0.1", (2020, 2021), "the certificate of the host has expired"),
        ("127.0.0.1", (3999, 4000), "the certificate of the host is not valid yet"),
        ("api.example.org", NOW, "the certificate of the host is for another name"),
        ("127.0.0.2", NOW, "the certificate of the host is for another name"),
    ] {
        let ran = get(&place, &own.server(name, years), &["--http-ca", "own.pem"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{said}: {ran:?}");
        assert_eq!(ran.stderr.matches("failed: http-out request GET").count(), 1, "{said}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let audit = place.expect(0, &["audit", "--verdict", "failed"]).stdout;
    assert!(audit.contains("has expired") && audit.contains("another name"), "{audit}");
}

#[test]
fn a_file_that_holds_no_authority_is_a_mistake_on_the_command_line() {
    let place = need!("the guest `http_guest`", Place::with_guests(&["http_guest"]));
    place.put("empty.pem", "");
    place.put("text.pem", "no certificate");
    place.put("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    place.put("long.pem", vec![b'x'; (1 << 20) + 1]);
    for (file, said) in [
        ("missing.pem", "it cannot be read"),
        (".", "it cannot be read"),
        ("empty.pem", "BEGIN CERTIFICATE"),
        ("text.pem", "BEGIN CERTIFICATE"),
        ("broken.pem", "TLS cannot be set up"),
        ("long.pem", "longer than 1 MiB"),
    ] {
        let words = ["call", "http_guest.wasm", "get", "https://127.0.0.1/", "--http-ca", file];
        let ran = place.expect(2, &words);
        assert!(ran.stderr.contains(&format!("--http-ca {file}: ")) && ran.stderr.contains(said), "{}", ran.stderr);
    }
}
