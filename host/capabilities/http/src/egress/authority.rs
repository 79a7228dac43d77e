//! The authority of one call: it signs certificates for the hosts that programs speak TLS to, and for nobody else.
//!
//! Its key is made here and never leaves the process. At the end of the call its encoded form is overwritten; `ring` frees
//! what it made of it without that. Only programs of that call are told to trust it, so nothing else on the machine does.

use crate::place::Host;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::{Zeroize as _, Zeroizing};

/// How long before and after its making a certificate is valid: longer than any call, and than clocks are wrong.
const VALID: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// What TLS calls HTTP/1.1 (RFC 7301, section 6). Nothing else is spoken to programs.
const HTTP1: &[u8] = b"http/1.1";

/// The authority could not be made, or could not sign.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    #[error("the certificates for programs cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS cannot be set up for programs: {0}")]
    Tls(#[from] rustls::Error),
}

/// Signs for hosts.
pub(super) struct Authority {
    about: CertificateParams,
    key: KeyPair,
    pem: String,
    /// The key of all certificates that it signs.
    leaf: KeyPair,
    /// Numbers what it signs (RFC 5280, section 4.1.2.2): one key for all would give one number for all.
    signed: AtomicU64,
}

impl Authority {
    pub(super) fn new() -> Result<Self, AuthorityError> {
        let mut about = dated(CertificateParams::new(Vec::new())?);
        about.distinguished_name = named("vox, for the programs of one call");
        about.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        about.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let pem = pem(about.self_signed(&key)?.der());
        Ok(Self { about, key, pem, leaf: KeyPair::generate()?, signed: AtomicU64::new(1) })
    }

    /// Its certificate, as text.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The settings of TLS towards a program that believes it speaks to this host.
    pub(super) fn config(&self, host: &Host) -> Result<ServerConfig, AuthorityError> {
        let name = match host.address() {
            Some(ip) => ip.to_string(),
            None => host.to_string(),
        };
        let mut params = dated(CertificateParams::new(vec![name])?);
        params.distinguished_name = named("vox, in place of the host");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(self.signed.fetch_add(1, Ordering::Relaxed).into());
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf, &Issuer::from_params(&self.about, &self.key))?;
        let key = Zeroizing::new(self.leaf.serialize_der());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_slice())).clone_key();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        config.alpn_protocols = vec![HTTP1.to_vec()];
        // No program needs a second session with less said in it.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.key.zeroize();
        self.leaf.zeroize();
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

/// The same, valid around now. A clock before 1970 makes it valid then, and nobody believes it.
fn dated(mut params: CertificateParams) -> CertificateParams {
    let now = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (params.not_before, params.not_after) = (now - VALID, now + VALID);
    params
}

/// RFC 7468, section 5.
fn pem(der: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for at in (0..text.len()).step_by(64) {
        pem.push_str(&text[at..text.len().min(at + 64)]);
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    /// A client that trusts an authority and nothing else shakes hands with what was made for a host.
    fn shake(trusted: &Authority, signs: &Authority, made_for: &str, asks_for: &str) -> Result<Vec<u8>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec(), HTTP1.to_vec()];
        let name = ServerName::try_from(asks_for.trim_matches(['[', ']']).to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let config = signs.config(&Host::parse(made_for).unwrap()).unwrap();
        let mut server = ServerConnection::new(Arc::new(config))?;
        for _ in 0..4 {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        Ok(client.alpn_protocol().unwrap_or_default().to_vec())
    }

    #[test]
    fn who_trusts_it_believes_it_for_the_host_and_no_other() {
        let (own, other) = (Authority::new().unwrap(), Authority::new().unwrap());
        for host in ["api.example.org", "127.0.0.1", "[::1]"] {
            assert_eq!(shake(&own, &own, host, host).unwrap(), HTTP1, "{host}");
            assert!(shake(&other, &own, host, host).is_err(), "{host}: another call's authority");
        }
        assert!(shake(&own, &own, "api.example.org", "www.example.org").is_err());
        assert_ne!(own.pem(), other.pem());
        assert!(!own.pem().contains("PRIVATE"));
    }
}
