//! The server that requests go to: this program again, as a process of its own, so that no contender shares memory or a
//! scheduler with it.
//!
//! It speaks HTTP/1.1 on three ports of this machine, plainly and over TLS with one and another kind of certificate, keeps
//! connections, and answers everything with the same text. It ends when its standard input does.

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

/// The key of one of its certificates, made once for this: the libraries that sign with such keys make none.
const RSA_KEY: &str = include_str!("rsa-2048.pem");

/// What it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP.
    Http,
    /// HTTPS, its certificate for an ECDSA key on P-256.
    Https,
    /// HTTPS, its certificate for an RSA key of 2048 bits.
    HttpsRsa,
}

impl Speaks {
    /// All, in the order of the server's ports.
    pub const ALL: [Self; 3] = [Self::Http, Self::Https, Self::HttpsRsa];

    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https | Self::HttpsRsa => "https",
        }
    }

    /// Whether there is a certificate to check.
    pub fn is_secure(self) -> bool {
        self != Self::Http
    }

    /// For the title of a row.
    pub fn title(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::HttpsRsa => "https, an RSA certificate",
        }
    }
}

/// Files in the server's folder: the authority that signed its certificate.
const PEM: &str = "authority.pem";
const DER: &str = "authority.der";

/// A running server. It ends with this value.
pub struct Server {
    child: Child,
    folder: PathBuf,
    ports: [u16; 3],
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
        let ports: Vec<u16> = line.split_whitespace().filter_map(|port| port.parse().ok()).collect();
        let Ok(ports) = ports.try_into() else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("the server for requests ended before it said its ports");
        };
        Ok(Self { child, folder: folder.to_owned(), ports })
    }

    /// Where it answers. An address and no name, so that nobody's resolver is measured.
    pub fn url(&self, speaks: Speaks) -> String {
        format!("{}://{}:{}/document", speaks.scheme(), Ipv4Addr::LOCALHOST, self.port(speaks))
    }

    /// Its port.
    pub fn port(&self, speaks: Speaks) -> u16 {
        self.ports[speaks as usize]
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
        let [ecdsa, rsa] = certificates(folder)?;
        let mut output = std::io::stdout();
        for acceptor in [None, Some(ecdsa), Some(rsa)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            write!(output, "{} ", listener.local_addr()?.port())?;
            tokio::spawn(accept(listener, acceptor.map(TlsAcceptor::from)));
        }
        writeln!(output)?;
        output.flush()?;
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

/// A certificate for the address with each kind of key, signed by an authority whose own certificate is left in the
/// folder.
fn certificates(folder: &Path) -> Result<[Arc<rustls::ServerConfig>; 2]> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    std::fs::write(folder.join(PEM), issuer.pem())?;
    std::fs::write(folder.join(DER), issuer.der())?;
    let signed = |key: KeyPair| {
        let leaf = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?.signed_by(&key, &issuer)?;
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)?;
        // Everybody speaks the same version, because the stock sender has no other.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        anyhow::Ok(Arc::new(config))
    };
    Ok([signed(KeyPair::generate()?)?, signed(KeyPair::from_pem(RSA_KEY)?)?])
}
