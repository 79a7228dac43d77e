//! What all calls of a host share: how names are looked up, what is trusted, and the connections that are kept.

use crate::connect;
use crate::limits::HttpLimits;
use crate::pool::Pool;
use crate::resolve::Resolve;
use crate::secret::{NoSecrets, Secrets};
use crate::throttle::Throttle;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells clients apart in keys of the pool: each has its own set of trusted roots.
static CLIENTS: AtomicU64 = AtomicU64::new(0);

/// What a [`Client`] is made of. Everything is given; nothing is read from the environment.
pub struct Options {
    /// Looks names up.
    pub resolver: Arc<dyn Resolve>,
    /// Gives secrets by name.
    pub secrets: Arc<dyn Secrets>,
    /// Certificates of further authorities to trust, as PEM. The roots of Mozilla are built in.
    pub extra_roots: Vec<u8>,
    /// What each call may use.
    pub limits: HttpLimits,
}

impl Options {
    /// The usual limits, no further authorities, no secrets.
    pub fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, secrets: Arc::new(NoSecrets), extra_roots: Vec::new(), limits: HttpLimits::default() }
    }
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The further authorities cannot be read.
    #[error(
        "the certificates of further authorities are not valid PEM: expected blocks of `-----BEGIN CERTIFICATE-----`"
    )]
    Roots,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up with these certificates: {0}")]
    Tls(#[from] rustls::Error),
}

/// Sends requests for the calls of one host. Cheap to clone; made once.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) limits: HttpLimits,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) identity: u64,
    pub(crate) pool: Arc<Pool>,
    pub(crate) throttle: Throttle,
}

impl Client {
    /// Makes a client.
    ///
    /// # Errors
    /// The further authorities are not certificates.
    pub fn new(options: Options) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Shared {
            resolver: options.resolver,
            secrets: options.secrets,
            limits: options.limits,
            tls: Arc::new(trusting(&options.extra_roots)?),
            identity: CLIENTS.fetch_add(1, Ordering::Relaxed),
            pool: Arc::default(),
            throttle: Throttle::default(),
        })))
    }
}

/// Whether a text can be [`Options::extra_roots`]: PEM with at least one certificate of an authority.
///
/// # Errors
/// It cannot.
pub fn check_roots(pem: &[u8]) -> Result<(), ClientError> {
    match pem.is_empty() {
        true => Err(ClientError::Roots),
        false => trusting(pem).map(|_| ()),
    }
}

/// TLS with the built-in roots and these.
fn trusting(pem: &[u8]) -> Result<ClientConfig, ClientError> {
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| ClientError::Roots)?;
    if roots.is_empty() && !pem.is_empty() {
        return Err(ClientError::Roots);
    }
    Ok(connect::tls(&roots)?)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
