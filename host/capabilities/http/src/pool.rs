//! Connections that are kept for the next request, never across tenants, skills, grants or credentials.

use crate::body::Upload;
use crate::place::Origin;
use hyper::client::conn::{http1, http2};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vox_model::Digest;

/// How long a connection waits for its next request.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// How old a connection may be when it gets a request.
const MAX_AGE: Duration = Duration::from_secs(240);

/// How long a connection lives, whatever happens: [`MAX_AGE`] and the longest exchange. Its task ends then.
pub(crate) const MAX_LIFE: Duration = Duration::from_secs(330);

/// Idle connections to one place.
const PER_KEY: usize = 4;

/// Idle connections of the whole pool: descriptors of the host.
const TOTAL: usize = 64;

/// Who may use a connection. Whatever differs here never shares one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tenant: Arc<str>,
    pub(crate) skill: Digest,
    /// The line of the grant and the bindings of the secrets, as text.
    pub(crate) grant: String,
    pub(crate) origin: Origin,
    pub(crate) address: SocketAddr,
    /// Which certificates are trusted: one number for each client.
    pub(crate) identity: u64,
    /// A connection lives on the runtime that made it; on another one nobody would move it.
    pub(crate) runtime: tokio::runtime::Id,
}

/// The sending side of a connection.
pub(crate) enum Sender {
    H1(http1::SendRequest<Upload>),
    H2(http2::SendRequest<Upload>),
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::H1(sender) => sender.is_closed(),
            Self::H2(sender) => sender.is_closed(),
        }
    }
}

/// A connection, and when it was made.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    pub(crate) born: Instant,
}

impl Connection {
    pub(crate) fn new(sender: Sender) -> Self {
        Self { sender, born: Instant::now() }
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Idle {
    fn is_good(&self) -> bool {
        !self.connection.sender.is_closed()
            && self.since.elapsed() < MAX_IDLE
            && self.connection.born.elapsed() < MAX_AGE
    }
}

/// Idle connections, and HTTP/2 connections in use.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Key, Vec<Idle>>>);

impl Pool {
    /// A connection to one of these places, the first that has one. One of HTTP/2 stays for others to use.
    pub(crate) fn take(&self, keys: &[Key]) -> Option<(Key, Connection)> {
        let mut idle = self.0.lock().ok()?;
        for key in keys {
            let Some(list) = idle.get_mut(key) else { continue };
            list.retain(Idle::is_good);
            if let Some(last) = list.last_mut()
                && let Sender::H2(sender) = &last.connection.sender
            {
                last.since = Instant::now();
                let connection = Connection { sender: Sender::H2(sender.clone()), born: last.connection.born };
                return Some((key.clone(), connection));
            }
            if let Some(last) = list.pop() {
                return Some((key.clone(), last.connection));
            }
            idle.remove(key);
        }
        None
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, key: Key, connection: Connection) {
        let Ok(mut idle) = self.0.lock() else { return };
        idle.retain(|_, list| {
            list.retain(Idle::is_good);
            !list.is_empty()
        });
        let count: usize = idle.values().map(Vec::len).sum();
        let list = idle.entry(key).or_default();
        let entry = Idle { connection, since: Instant::now() };
        if entry.is_good() && list.len() < PER_KEY && count < TOTAL {
            list.push(entry);
        }
    }
}
