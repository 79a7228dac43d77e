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
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

/// Connections of hyper's: one on a runtime of this thread alone, or several, each driven by a task.
pub struct Client {
    runtime: Runtime,
    connections: Vec<Connection>,
    requests: u32,
}

struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

impl Client {
    /// Connects to a port of this machine so many times; over TLS where an authority to trust is given, as DER. One
    /// operation is so many requests, one after the other on one connection.
    ///
    /// # Errors
    /// There is no connection.
    pub fn new(port: u16, authority: Option<Vec<u8>>, requests: u32, at_once: u32) -> Result<Self> {
        let mut builder = match at_once {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder.enable_io().build()?;
        let host = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        let connections = (0..at_once).map(|_| {
            let sender = runtime.block_on(connect(port, authority.clone()))?;
            Ok(Connection { sender, host: host.clone() })
        });
        let connections = connections.collect::<Result<_>>()?;
        Ok(Self { runtime, connections, requests })
    }

    /// All connections at work until so many operations are done.
    fn crowd(&mut self, count: u64) -> Result<()> {
        let (left, requests) = (Arc::new(AtomicU64::new(count)), self.requests);
        let tasks: Vec<_> = std::mem::take(&mut self.connections)
            .into_iter()
            .map(|mut connection| {
                let left = left.clone();
                self.runtime.spawn(async move {
                    while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                        black_box(connection.get(requests).await?);
                    }
                    Ok::<_, anyhow::Error>(connection)
                })
            })
            .collect();
        for task in tasks {
            self.connections.push(self.runtime.block_on(task)??);
        }
        Ok(())
    }
}

impl Connection {
    async fn get(&mut self, requests: u32) -> Result<Bytes> {
        let mut body = Bytes::new();
        for _ in 0..requests {
            let request = Request::get("/document").header("host", &*self.host).body(Empty::new())?;
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            if response.status() != StatusCode::OK {
                bail!("the server answers {}", response.status());
            }
            body = response.into_body().collect().await?.to_bytes();
        }
        Ok(body)
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
        let connection = self.connections.first_mut().context("a request failed before")?;
        Ok(self.runtime.block_on(connection.get(self.requests))?.to_vec())
    }

    fn batch(&mut self, count: u64) -> Result<Duration> {
        let start = Instant::now();
        if self.connections.len() > 1 {
            self.crowd(count)?;
            return Ok(start.elapsed());
        }
        for _ in 0..count {
            black_box(self.once()?);
        }
        Ok(start.elapsed())
    }
}
