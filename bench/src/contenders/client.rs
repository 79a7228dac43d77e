//! A native client that keeps its connection: what requests cost without a sandbox, a grant or a limit.

use crate::runner::Contender;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

/// One connection of hyper's, on a runtime of this thread alone.
pub struct Client {
    runtime: Runtime,
    sender: SendRequest<Empty<Bytes>>,
    host: String,
    requests: u32,
}

impl Client {
    /// Connects to a port of this machine; over TLS where an authority to trust is given, as DER. One operation is so
    /// many requests, one after the other.
    ///
    /// # Errors
    /// There is no connection.
    pub fn new(port: u16, authority: Option<Vec<u8>>, requests: u32) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let sender = runtime.block_on(connect(port, authority))?;
        Ok(Self { runtime, sender, host: format!("{}:{port}", Ipv4Addr::LOCALHOST), requests })
    }

    fn get(&mut self) -> Result<Bytes> {
        let Self { runtime, sender, host, requests } = self;
        runtime.block_on(async {
            let mut body = Bytes::new();
            for _ in 0..*requests {
                let request = Request::get("/document").header("host", &*host).body(Empty::new())?;
                sender.ready().await?;
                let response = sender.send_request(request).await?;
                if response.status() != StatusCode::OK {
                    bail!("the server answers {}", response.status());
                }
                body = response.into_body().collect().await?.to_bytes();
            }
            Ok(body)
        })
    }
}

async fn connect(port: u16, authority: Option<Vec<u8>>) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("connect")?;
    stream.set_nodelay(true)?;
    let Some(authority) = authority else { return speak(stream).await };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));
    speak(TlsConnector::from(Arc::new(config)).connect(name, stream).await.context("TLS")?).await
}

async fn speak<S>(stream: S) -> Result<SendRequest<Empty<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(sender)
}

impl Contender for Client {
    fn once(&mut self) -> Result<Vec<u8>> {
        Ok(self.get()?.to_vec())
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..count {
            black_box(self.get()?);
        }
        Ok(start.elapsed())
    }
}
