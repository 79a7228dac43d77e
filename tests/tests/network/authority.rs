//! An authority, and servers with certificates of it.

use crate::servers::{Server, answer, heard};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::Write;
use std::sync::Arc;

/// Years in which a certificate is valid for as long as anybody runs this.
pub const NOW: (i32, i32) = (2020, 4000);

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap_or_else(|error| panic!("{error}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap_or_else(|error| panic!("{error}"));
        Self(CertifiedIssuer::self_signed(params, key).unwrap_or_else(|error| panic!("{error}")))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server with a certificate for a name, valid for these years.
    pub fn server(&self, name: &str, years: (i32, i32)) -> Server {
        self.serving(name, years, |head, stream| {
            if head.starts_with("GET ") {
                answer(stream, "over TLS");
            }
        })
    }

    /// The same, which answers the header of a request as it likes.
    pub fn serving(
        &self,
        name: &str,
        years: (i32, i32),
        serve: impl Fn(&str, &mut dyn Write) + Send + Sync + 'static,
    ) -> Server {
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
            let head = heard(&mut tls);
            serve(&head, &mut tls);
        })
    }
}
