//! Servers on this machine, a resolver that is told what to answer, and a call that sends.
#![allow(dead_code, reason = "each test takes what it needs")]

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use vox_cap_http::*;
use vox_model::{Capability, Digest, Effect, Lease, Recorder, Scope, Verdict};

/// Takes effects down.
#[derive(Default)]
pub struct Notes(pub Mutex<Vec<Effect>>);

impl Recorder for Notes {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

/// A lease that can be taken back.
pub struct Revocable(pub std::sync::atomic::AtomicBool);

impl Lease for Revocable {
    fn holds(&self, _: Capability) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Answers what it was told; a list of answers is gone through, the last one stays.
#[derive(Default)]
pub struct Names {
    pub answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: AtomicUsize,
}

impl Names {
    pub fn one(name: &str, ip: &str) -> Arc<Self> {
        let names = Self::default();
        names.set(name, &[&[ip]]);
        Arc::new(names)
    }

    pub fn set(&self, name: &str, answers: &[&[&str]]) {
        let answers = answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        self.answers.lock().unwrap().insert(name.to_owned(), answers);
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let found = match answers.get_mut(name) {
            None => Err(ResolveError::NotFound),
            Some(list) if list.len() > 1 => Ok(list.remove(0)),
            Some(list) => Ok(list[0].clone()),
        };
        Box::pin(async move { found })
    }
}

/// One secret.
pub struct Store(pub HashMap<String, String>);

impl Secrets for Store {
    fn get(&self, name: &str) -> Option<SecretString> {
        self.0.get(name).map(|secret| secret.clone().into())
    }
}

/// What calls are made with.
#[derive(Default)]
pub struct World {
    pub names: Arc<Names>,
    pub secrets: HashMap<String, String>,
    pub roots: Vec<u8>,
    pub limits: HttpLimits,
}

impl World {
    pub fn client(&self) -> Client {
        let mut options = Options::new(self.names.clone());
        options.secrets = Arc::new(Store(self.secrets.clone()));
        options.extra_roots = self.roots.clone();
        options.limits = self.limits;
        Client::new(options).unwrap()
    }

    pub fn call(&self, grant: Grant) -> Sending {
        Sending::new(&self.client(), grant, "tenant", None)
    }
}

/// A call that sends.
pub struct Sending {
    pub http: Http,
    pub notes: Arc<Notes>,
    pub lease: Arc<Revocable>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

impl Sending {
    pub fn new(client: &Client, grant: Grant, tenant: &str, until: Option<Instant>) -> Self {
        let notes = Arc::new(Notes::default());
        let lease = Arc::new(Revocable(true.into()));
        let scope = Scope {
            skill: "test".into(),
            digest: Digest([7; 32]),
            call: "1".into(),
            recorder: notes.clone(),
            lease: lease.clone(),
        };
        Self { http: Http::new(client, Arc::new(grant), scope.into(), tenant, until), notes, lease }
    }

    pub async fn get(&self, url: &str) -> Result<Answer, Error> {
        self.send(request("GET", url, &[], b"")).await
    }

    pub async fn send(&self, request: Request<WasiBody>) -> Result<Answer, Error> {
        read(self.http.send(request, RequestOptions::default()).await?).await
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.notes.0.lock().unwrap().clone()
    }

    /// The verdict and rule of the only request.
    pub fn one(&self) -> (Verdict, String) {
        let effects = self.effects();
        let requests: Vec<_> = effects.iter().filter(|effect| effect.action == "request").collect();
        assert_eq!(requests.len(), 1, "{effects:?}");
        (requests[0].verdict, requests[0].rule.clone())
    }
}

/// Reads an answer to its end.
pub async fn read(response: Response<WasiBody>) -> Result<Answer, Error> {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await?;
    let trailers = whole.trailers().cloned();
    let body = whole.to_bytes().to_vec();
    Ok(Answer { status: parts.status.as_u16(), fields: parts.headers, body, trailers })
}

pub fn body(bytes: &[u8]) -> WasiBody {
    Full::new(Bytes::copy_from_slice(bytes)).map_err(|never: Infallible| match never {}).boxed_unsync()
}

pub fn request(method: &str, url: &str, fields: &[(&str, &str)], bytes: &[u8]) -> Request<WasiBody> {
    let mut builder = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    builder.body(body(bytes)).unwrap()
}

pub fn grant(allow: &[&str]) -> Grant {
    Grant { allow: allow.iter().map(|text| text.parse().unwrap()).collect(), ..Grant::default() }
}

pub fn with_secrets(allow: &[&str], secrets: &[&str]) -> Grant {
    Grant { secrets: secrets.iter().map(|text| text.parse().unwrap()).collect(), ..grant(allow) }
}

/// A server on this machine that counts its connections.
pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    pub roots: Vec<u8>,
}

impl Server {
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn grant(&self) -> Grant {
        grant(&[&self.url("")])
    }

    pub fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Hands each connection to a function.
    pub async fn raw<F, W>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections, roots: Vec::new() }
    }

    /// Reads one request's header, then sends these bytes, again and again, with a pause.
    pub async fn says(head: &'static str, again: &'static [u8], pause: std::time::Duration) -> Self {
        Self::raw(move |mut stream| async move {
            heard(&mut stream).await;
            if stream.write_all(head.as_bytes()).await.is_err() || again.is_empty() {
                // Keeps the connection open.
                let _ = stream.read(&mut [0; 64]).await;
                return;
            }
            while stream.write_all(again).await.is_ok() {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        })
        .await
    }

    /// HTTP/1.1 in plain text.
    pub async fn http1<F>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> Response<WasiBody> + Clone + Send + Sync + 'static,
    {
        Self::raw(move |stream| {
            let answer = answer.clone();
            async move { serve(stream, answer, false).await }
        })
        .await
    }

    /// HTTP over TLS with a certificate for these names.
    pub async fn tls<F>(names: &[&str], h2: bool, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> Response<WasiBody> + Clone + Send + Sync + 'static,
    {
        let (config, roots) = certificate(names, h2);
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        let mut server = Self::raw(move |stream| {
            let (answer, acceptor) = (answer.clone(), acceptor.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, answer, h2).await;
                }
            }
        })
        .await;
        server.roots = roots;
        server
    }
}

async fn serve<S, F>(stream: S, answer: F, h2: bool)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> Response<WasiBody> + Clone + Send + Sync + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(answer(request)) }
    });
    let stream = TokioIo::new(stream);
    if h2 {
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

/// Reads the header of a request and gives its bytes.
pub async fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => head.extend_from_slice(&buffer[..count]),
        }
    }
    head
}

/// A certificate for these names, and the authority that signed it.
fn certificate(names: &[&str], h2: bool) -> (Arc<rustls::ServerConfig>, Vec<u8>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    config.alpn_protocols = if h2 { vec![b"h2".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    (Arc::new(config), issuer.pem().into_bytes())
}

pub fn text(text: &str) -> Response<WasiBody> {
    Response::new(body(text.as_bytes()))
}
