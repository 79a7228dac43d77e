//! From an authorised origin to a connection: look up once, check every address, dial only what was checked.

use crate::body::Upload;
use crate::limits::HttpLimits;
use crate::place::{Host, Origin, Scheme};
use crate::policy::{Authorised, Denied};
use crate::pool::{Connection, MAX_LIFE, Sender};
use crate::problem::{Distrust, Problem};
use crate::resolve::{Resolve, ResolveError};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::{DnsName, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

/// Addresses of one name that are tried; all of them are checked.
const MAX_TRIES: usize = 6;

/// Bytes of a stream's window, and of a connection's, in HTTP/2: what a server can make the host hold.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// Bytes that HTTP/1.1 reads ahead.
const READ_AHEAD: usize = 128 << 10;

/// The settings of TLS, made once for each client: the roots of Mozilla and those that the operator adds. Neither
/// environment nor system is asked. Sessions are not resumed, so that two tenants are not told apart or joined by a
/// ticket.
pub(crate) fn tls(extra_roots: &[rustls::pki_types::CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in extra_roots {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The addresses of an authorised request, every one of them checked.
pub(crate) async fn addresses(resolver: &dyn Resolve, authorised: &Authorised) -> Result<Vec<SocketAddr>, Problem> {
    let origin = authorised.origin();
    let found = match &origin.host {
        Host::Name(name) => resolver.resolve(name).await.map_err(|error| match error {
            ResolveError::NotFound => Problem::NoAddress,
            ResolveError::Unavailable => Problem::NoNameServer,
        })?,
        Host::V4(ip) => vec![IpAddr::V4(*ip)],
        Host::V6(ip) => vec![IpAddr::V6(*ip)],
    };
    if found.is_empty() {
        return Err(Problem::NoAddress);
    }
    let checked = authorised.named().check(&found, origin);
    checked.map_err(|refused| Problem::Denied(Denied { rule: refused.to_string(), allow: refused.allow }))?;
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, origin.port)).collect())
}

/// Dials checked addresses, one after the other, until one takes the connection.
pub(crate) async fn open(
    origin: &Origin,
    addresses: &[SocketAddr],
    tls: &Arc<ClientConfig>,
    limits: &HttpLimits,
    until: Instant,
) -> Result<(Connection, SocketAddr), Problem> {
    let tries = &addresses[..addresses.len().min(MAX_TRIES)];
    let mut last = Problem::Unreachable;
    for (index, address) in tries.iter().enumerate() {
        // What is left is shared, so that one silent address does not use up the time of the others.
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(tries.len() - index).unwrap_or(1);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let ready = timeout_at(until, handshake(origin, stream, tls, limits)).await;
                return ready.unwrap_or(Err(Problem::ConnectTime)).map(|connection| (connection, *address));
            }
            Ok(Err(_)) => last = Problem::Unreachable,
            Err(_) => last = Problem::ConnectTime,
        }
    }
    Err(last)
}

/// TLS where the scheme asks for it, and the version of HTTP that both sides speak.
async fn handshake(
    origin: &Origin,
    stream: TcpStream,
    tls: &Arc<ClientConfig>,
    limits: &HttpLimits,
) -> Result<Connection, Problem> {
    // Requests are small and waited for.
    let _ = stream.set_nodelay(true);
    if origin.scheme == Scheme::Http {
        return http1(stream, limits).await;
    }
    let name = match &origin.host {
        Host::Name(name) => {
            ServerName::DnsName(DnsName::try_from(name.clone()).map_err(|_| Problem::Certificate(Distrust::Name))?)
        }
        Host::V4(ip) => ServerName::from(IpAddr::V4(*ip)),
        Host::V6(ip) => ServerName::from(IpAddr::V6(*ip)),
    };
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await.map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(why)) => Problem::Certificate(Distrust::of(why)),
            _ => Problem::Tls,
        }
    })?;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => http2(stream, limits).await,
        _ => http1(stream, limits).await,
    }
}

async fn http1<T>(stream: T, limits: &HttpLimits) -> Result<Connection, Problem>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_headers(limits.header_fields)
        .max_header_size(limits.header_bytes as usize)
        .max_buf_size(READ_AHEAD.max(limits.header_bytes as usize))
        .handshake::<_, Upload>(TokioIo::new(stream))
        .await
        .map_err(|_| Problem::Protocol)?;
    // Ends with the connection, which ends when its sender is dropped, and at the latest with its life.
    tokio::spawn(timeout(MAX_LIFE, connection));
    Ok(Connection::new(Sender::H1(sender)))
}

async fn http2<T>(stream: T, limits: &HttpLimits) -> Result<Connection, Problem>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(limits.header_bytes)
        .handshake::<_, Upload>(TokioIo::new(stream))
        .await
        .map_err(|_| Problem::Protocol)?;
    tokio::spawn(timeout(MAX_LIFE, connection));
    Ok(Connection::new(Sender::H2(sender)))
}
