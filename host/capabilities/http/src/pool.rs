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

/// Idle connections to one place, on one runtime: as many calls as a busy skill has under way keep theirs, and a quarter of
/// the pool at most is one skill's.
const PER_KEY: usize = 16;

/// Idle connections of the whole pool: descriptors of the host.
const TOTAL: usize = 64;

/// How often the pool is searched for what is over, besides when it is full: not with every request, which would pay for
/// all connections of everybody.
const SWEEP: Duration = Duration::from_secs(1);

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

/// A connection, and when it was made, which tells it from others to the same place.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    pub(crate) born: Instant,
}

impl Connection {
    pub(crate) fn new(sender: Sender) -> Self {
        Self { sender, born: Instant::now() }
    }

    /// The same for another request at the same time, if the version of HTTP has that.
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::H1(_) => None,
            Sender::H2(sender) => Some(Self { sender: Sender::H2(sender.clone()), born: self.born }),
        }
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
pub(crate) struct Pool(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    idle: HashMap<Key, Vec<Idle>>,
    /// Of all keys together.
    count: usize,
    swept: Option<Instant>,
}

impl Pool {
    /// A connection to one of these places, the first that has one. One of HTTP/2 stays for others to use.
    pub(crate) fn take(&self, keys: &[Key]) -> Option<(Key, Connection)> {
        let mut shelf = self.0.lock().ok()?;
        keys.iter().find_map(|key| Some((key.clone(), shelf.take(key)?)))
    }

    /// Keeps a connection for the next request. Where there is no room, the one that was not used for longest goes.
    pub(crate) fn put(&self, key: Key, connection: Connection) {
        let entry = Idle { connection, since: Instant::now() };
        if !entry.is_good() {
            return;
        }
        let Ok(mut shelf) = self.0.lock() else { return };
        let gone = shelf.put(key, entry);
        // Closing takes its time, and others wait for the lock.
        drop(shelf);
        drop(gone);
    }
}

impl Shelf {
    fn take(&mut self, key: &Key) -> Option<Connection> {
        let list = self.idle.get_mut(key)?;
        let before = list.len();
        list.retain(Idle::is_good);
        self.count -= before - list.len();
        let last = list.last_mut()?;
        if let Some(shared) = last.connection.share() {
            last.since = Instant::now();
            return Some(shared);
        }
        self.count -= 1;
        list.pop().map(|last| last.connection)
    }

    /// Gives what has to make room.
    fn put(&mut self, key: Key, entry: Idle) -> Vec<Idle> {
        let mut gone = Vec::new();
        if self.count >= TOTAL || self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP) {
            gone = self.sweep();
        }
        let list = self.idle.entry(key).or_default();
        // One of HTTP/2 was never away.
        match list.iter_mut().find(|idle| idle.connection.born == entry.connection.born) {
            Some(same) => same.since = entry.since,
            None => {
                list.push(entry);
                self.count += 1;
            }
        }
        if list.len() > PER_KEY {
            gone.push(list.remove(0));
            self.count -= 1;
        }
        if self.count > TOTAL {
            gone.extend(self.oldest());
        }
        gone
    }

    /// Takes out what nobody can use any more.
    fn sweep(&mut self) -> Vec<Idle> {
        self.swept = Some(Instant::now());
        let mut gone = Vec::new();
        self.idle.retain(|_, list| {
            gone.extend(list.extract_if(.., |idle| !idle.is_good()));
            !list.is_empty()
        });
        self.count -= gone.len();
        gone
    }

    /// Takes out the one that was not used for longest. Those of one place lie in the order of their use.
    fn oldest(&mut self) -> Option<Idle> {
        let list = self.idle.values_mut().filter(|list| !list.is_empty()).min_by_key(|list| list[0].since)?;
        self.count -= 1;
        Some(list.remove(0))
    }
}
