//! The server that requests go to: this program again, as a process of its own, so that no contender shares memory or a
//! scheduler with it.
//!
//! It speaks HTTP/1.1 on two ports of this machine, plainly and over TLS, keeps connections, and answers everything with
//! the same text. It ends when its standard input does.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The first word on the command line that makes this program the server.
pub const SERVER: &str = "__server";

/// Bytes of an answer's body.
pub const BODY: usize = 300;

/// Files in the server's folder: the authority that signed its certificate.
const PEM: &str = "authority.pem";
const DER: &str = "authority.der";

/// A running server. It ends with this value.
pub struct Server {
    child: Child,
    folder: PathBuf,
    http: u16,
    https: u16,
}

impl Server {
    /// Starts it; it leaves the certificate of its authority in this folder.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVER).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the server for requests does not start")?;
        let mut line = String::new();
        let output = child.stdout.take().context("no pipe from the server")?;
        BufReader::new(output).read_line(&mut line)?;
        let ports =
            line.trim_end().split_once(' ').and_then(|(http, https)| Some((http.parse().ok()?, https.parse().ok()?)));
        let Some((http, https)) = ports else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the server for requests ended before it said its ports");
        };
        Ok(Self { child, folder: folder.to_owned(), http, https })
    }

    /// Where it answers. An address and no name, so that nobody's resolver is measured.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}/document", Ipv4Addr::LOCALHOST, self.port(scheme))
    }

    /// Its port for a scheme.
    pub fn port(&self, scheme: &str) -> u16 {
        if scheme == "https" { self.https } else { self.http }
    }

    /// The authority that signed its certificate, as PEM.
    ///
    /// # Errors
    /// The file is gone.
    pub fn pem(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.folder.join(PEM))?)
    }

    /// The same as DER.
    ///
    /// # Errors
    /// The file is gone.
    pub fn der(&self) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.folder.join(DER))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program as the server.
///
/// # Errors
/// No certificate, or no port.
pub fn serve(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let acceptor = TlsAcceptor::from(certificate(folder)?);
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let secure = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut output = std::io::stdout();
        writeln!(output, "{} {}", plain.local_addr()?.port(), secure.local_addr()?.port())?;
        output.flush()?;
        tokio::spawn(accept(plain, None));
        tokio::spawn(accept(secure, Some(acceptor)));
        // The one who started it holds the other end and writes nothing into it.
        let parent_ends = || std::io::stdin().read(&mut [0]);
        tokio::task::spawn_blocking(parent_ends).await??;
        Ok(())
    })
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            match acceptor {
                None => answer(stream).await,
                Some(acceptor) => answer_over_tls(acceptor, stream).await,
            }
        });
    }
}

async fn answer_over_tls(acceptor: TlsAcceptor, stream: TcpStream) {
    if let Ok(stream) = acceptor.accept(stream).await {
        answer(stream).await;
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let body = Bytes::from_static(&[b'x'; BODY]);
    let service = service_fn(move |_: Request<Incoming>| {
        let body = body.clone();
        async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
    });
    // A client that goes away is no error of the server's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A certificate for the address, signed by an authority whose own certificate is left in the folder.
fn certificate(folder: &Path) -> Result<Arc<rustls::ServerConfig>> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?.signed_by(&key, &issuer)?;
    std::fs::write(folder.join(PEM), issuer.pem())?;
    std::fs::write(folder.join(DER), issuer.der())?;
    let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)?;
    // Everybody speaks the same version, because the stock sender has no other.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
