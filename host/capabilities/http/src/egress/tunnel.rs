//! What stands behind a `CONNECT`: TLS that ends here, or plain HTTP.

use super::authority::Authority;
use super::front::{Front, Stream};
use crate::place::{Host, Origin, Scheme};
use crate::sender::Call;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// The first byte of TLS: a record of the handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// A tunnel that was agreed on.
pub(super) struct Tunnel {
    /// Where it may lead: one host and port, with TLS, without, or both.
    pub(super) places: Vec<Origin>,
    /// The connection, once the answer is out.
    pub(super) upgrade: OnUpgrade,
}

/// A tunnel in which requests can be read.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Stream>,
    pub(super) front: Front,
}

/// Waits for the first byte, and ends TLS where it begins TLS. None where the program gave up, or took too long.
pub(super) async fn open(tunnel: Tunnel, authority: &Authority, call: &Call) -> Option<Opened> {
    let time = call.client.limits.connect;
    let Tunnel { places, upgrade } = tunnel;
    let upgraded = timeout(time, upgrade).await.ok()?.ok()?;
    let mut stream = BufReader::new(TokioIo::new(upgraded));
    let first = *timeout(time, stream.fill_buf()).await.ok()?.ok()?.first()?;
    let scheme = if first == HANDSHAKE { Scheme::Https } else { Scheme::Http };
    // A place that is not granted with this scheme is refused request by request, with a reason that can be read.
    let origin = Origin { scheme, ..places.first()?.clone() };
    if scheme == Scheme::Http {
        return Some(Opened { stream: Box::new(stream), front: Front::Host { origin, misnamed: false } });
    }
    let config = authority.config(&origin.host).ok()?;
    let stream = timeout(time, TlsAcceptor::from(Arc::new(config)).accept(stream)).await.ok()?.ok()?;
    let misnamed = match (stream.get_ref().1.server_name(), &origin.host) {
        (Some(said), Host::Name(name)) => !said.eq_ignore_ascii_case(name),
        (Some(_), _) => true,
        // Programs that name nobody have checked the certificate all the same.
        (None, _) => false,
    };
    Some(Opened { stream: Box::new(stream), front: Front::Host { origin, misnamed } })
}
