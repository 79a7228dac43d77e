//! The loopback of a container, played: connections to a port here are handed to the way out of a call.

use crate::common::Sending;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vox_model::programs::Outlet;

/// Longer than anything here takes, and shorter than a test may.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Door {
    pub outlet: Arc<dyn Outlet>,
    pub address: SocketAddr,
}

impl Door {
    pub async fn of(call: &Sending) -> Self {
        let outlet = call.http.outlet();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let to = outlet.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                to.take(stream.into_std().unwrap());
            }
        });
        Self { outlet, address }
    }

    pub async fn enter(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes on a fresh connection and reads one answer.
    pub async fn ask(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.enter().await;
        ask(&mut stream, bytes).await
    }

    /// A tunnel, up to where its bytes begin.
    pub async fn tunnel(&self, to: &str) -> TcpStream {
        let mut stream = self.enter().await;
        let answer = ask(&mut stream, format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n")).await;
        assert_eq!(answer.status, 200, "{to}: {answer:?}");
        stream
    }

    /// TLS in a tunnel, trusting what programs are told to trust.
    pub async fn secure(&self, to: &str, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.tunnel(to).await;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.outlet.trust().unwrap().as_bytes()).unwrap()).unwrap();
        tls(stream, name, ClientConfig::builder_with_provider(provider()), roots).await
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVersions>;

async fn tls(
    stream: TcpStream,
    name: &str,
    builder: Builder,
    roots: RootCertStore,
) -> std::io::Result<TlsStream<TcpStream>> {
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// One answer, as far as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
    /// Whether all came that was announced.
    pub whole: bool,
}

/// Sends bytes and reads one answer.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: impl AsRef<[u8]>) -> Answer {
    // Who refuses early does not read to the end.
    let _ = timeout(SOON, stream.write_all(bytes.as_ref())).await.expect("it is taken");
    timeout(SOON, answer(stream)).await.expect("an answer comes")
}

/// Reads one answer: to the length that it announces, the last chunk, or the end.
pub async fn answer<S: AsyncRead + Unpin>(stream: &mut S) -> Answer {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let parts = text.split_once("\r\n\r\n").map(|(head, body)| (head.to_lowercase(), body.to_owned()));
        let whole = parts.as_ref().is_some_and(|(head, body)| is_whole(head, body));
        let got = if whole { 0 } else { stream.read(&mut buffer).await.unwrap_or(0) };
        if got == 0 {
            let (head, body) = parts.unwrap_or_default();
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            return Answer { status, head, body, whole };
        }
        bytes.extend_from_slice(&buffer[..got]);
    }
}

fn is_whole(head: &str, body: &str) -> bool {
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match (field("content-length:"), field("transfer-encoding:")) {
        (Some(length), _) => length.parse() == Ok(body.len()),
        (None, Some(_)) => body.ends_with("0\r\n\r\n"),
        (None, None) => head.starts_with("http/1.1 200") && body.is_empty(),
    }
}
