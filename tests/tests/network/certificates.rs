//! Certificates, through the command: an authority of one's own works, and each bad certificate has its own error.

use crate::servers::{Server, answer, heard};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::sync::Arc;
use vox_tests::need;
use vox_tests::program::{Place, Ran};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap_or_else(|error| panic!("{error}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap_or_else(|error| panic!("{error}"));
        Self(CertifiedIssuer::self_signed(params, key).unwrap_or_else(|error| panic!("{error}")))
    }

    /// A server with a certificate for a name, valid for these years.
    fn server(&self, name: &str, years: (i32, i32)) -> Server {
        let key = KeyPair::generate().unwrap_or_else(|error| panic!("{error}"));
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap_or_else(|error| panic!("{error}"));
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let leaf = params.signed_by(&key, &self.0).unwrap_or_else(|error| panic!("{error}"));
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap_or_else(|error| panic!("{error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_no_client_auth())
            .and_then(|builder| builder.with_single_cert(vec![leaf.der().clone()], private));
        let config = Arc::new(config.unwrap_or_else(|error| panic!("{error}")));
        Server::start(move |mut stream| {
            let mut connection = ServerConnection::new(config.clone()).unwrap_or_else(|error| panic!("{error}"));
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            if heard(&mut tls).starts_with("GET ") {
                answer(&mut tls, "over TLS");
            }
        })
    }
}

const NOW: (i32, i32) = (2020, 4000);

fn get(place: &Place, server: &Server, more: &[&str]) -> Ran {
    let origin = format!("https://{}", server.address);
    let words = ["call", "http_guest.wasm", "get", &origin, "--allow-http", &origin];
    place.run(&[&words[..], more].concat())
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let place = need!("the guest `http_guest`", Place::with_guests(&["http_guest"]));
    let (own, other) = (Authority::new(), Authority::new());
    place.put("own.pem", own.0.pem());
    place.put("both.pem", format!("{}{}", other.0.pem(), own.0.pem()));
    // The same name, and another key.
    place.put("other.pem", other.0.pem());
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
    place.put("own.pem", own.0.pem());
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
