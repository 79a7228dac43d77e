//! The stock sender with one more trusted authority.
//!
//! `default_send_request` of wasmtime-wasi-http 48.0.8 trusts the roots of Mozilla and takes no others. This takes the
//! same steps in the same order, with the same time limits: connect, a new root store and a new TLS configuration, the
//! handshakes of TLS and of HTTP/1.1, send, and a body that is watched while it is read. The authority that is added to
//! the root store is all that differs.

use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Interval, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// How long each step may take where the guest does not say.
const PATIENCE: Duration = Duration::from_secs(600);

/// What drives the rest of an exchange.
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// Sends requests over https and trusts one authority besides those of Mozilla.
#[derive(Clone)]
pub struct Sender(Arc<Vec<u8>>);

impl Sender {
    /// Trusts this one, as DER.
    pub fn trusting(authority: Vec<u8>) -> Self {
        Self(Arc::new(authority))
    }
}

impl WasiHttpHooks for Sender {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Driver,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Driver), Error>> + Send> {
        Box::new(send(request, options.unwrap_or_default(), self.0.clone()))
    }
}

async fn send(
    mut request: Request<WasiBody>,
    options: RequestOptions,
    authority: Arc<Vec<u8>>,
) -> Result<(Response<WasiBody>, Driver), Error> {
    if request.uri().scheme() != Some(&Scheme::HTTPS) {
        return Err(Error::HttpRequestUriInvalid);
    }
    let place = request.uri().authority().ok_or(Error::HttpRequestUriInvalid)?;
    let place = if place.port().is_some() { place.to_string() } else { format!("{place}:443") };
    let connect = options.connect_timeout.unwrap_or(PATIENCE);
    let stream = timeout(connect, TcpStream::connect(&place)).await.map_err(|_| Error::ConnectionTimeout)?;
    let stream = stream.map_err(Error::Connect)?;
    let connector = TlsConnector::from(Arc::new(tls(&authority)?));
    let stream = connector.connect(server_name(&place)?, stream).await.map_err(Error::Tls)?;
    let handshake = http1::Builder::new().handshake(TokioIo::new(stream));
    let (mut sender, mut connection) = timeout(connect, handshake).await.map_err(|_| Error::ConnectionTimeout)??;

    // On the wire a request names its path alone.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    *request.uri_mut() = Uri::builder().path_and_query(path).build().map_err(|_| Error::HttpRequestUriInvalid)?;
    let sent = timeout(options.first_byte_timeout.unwrap_or(PATIENCE), sender.send_request(request));
    let mut sent = pin!(sent);
    let mut ended = false;
    let answer = poll_fn(|cx| {
        if let Poll::Ready(answer) = sent.as_mut().poll(cx) {
            return Poll::Ready(answer.map_err(|_| Error::ConnectionReadTimeout).and_then(|sent| Ok(sent?)));
        }
        if ended {
            return Poll::Pending;
        }
        // The exchange moves only while its connection is polled.
        match ready!(Pin::new(&mut connection).poll(cx)) {
            Ok(()) => {
                ended = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error.into())),
        }
    });
    let answer = answer.await?;
    let between = options.between_bytes_timeout.unwrap_or(PATIENCE).max(Duration::from_nanos(1));
    let mut patience = tokio::time::interval(between);
    patience.reset();
    let response = answer.map(|incoming| Watched { incoming, patience }.boxed_unsync());
    let driver = async move { if ended { Ok(()) } else { Ok(connection.await?) } };
    Ok((response, Box::new(driver)))
}

/// A configuration of its own for each request, as the stock sender makes it.
fn tls(authority: &[u8]) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    roots.add(CertificateDer::from(authority.to_vec())).map_err(|_| Error::TlsCertificateError)?;
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn server_name(place: &str) -> Result<ServerName<'static>, Error> {
    if let Ok(address) = place.parse::<SocketAddr>() {
        return Ok(ServerName::from(address.ip()));
    }
    let host = place.split_once(':').map_or(place, |(host, _)| host);
    Ok(ServerName::try_from(host)?.to_owned())
}

/// A body that may not pause for too long.
struct Watched {
    incoming: Incoming,
    patience: Interval,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.patience.reset();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.patience.poll_tick(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
