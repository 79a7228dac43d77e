//! The way out: listens on the loopback of the container and passes every connection on to the owner of the socket.

use crate::{UNABLE, sys, wire};

/// A port of 127.0.0.1, once it was asked for.
pub struct Listener(i32);

impl Listener {
    /// Nothing listens.
    pub fn none() -> Self {
        Self(-1)
    }

    /// The descriptor to wait for, negative where nothing listens.
    pub fn number(&self) -> i32 {
        self.0
    }

    /// Listens, and tells the owner. Without it the session is not what was asked for, so that failing ends it.
    pub fn open(&mut self, port: u32, owner: usize) {
        const INET_STREAM: (usize, usize) = (2, 1 | sys::O_CLOEXEC | sys::O_NONBLOCK);
        let Ok(port) = u16::try_from(port) else { sys::exit(UNABLE) };
        let mut address = [0_u8; 16];
        address[0] = 2; // AF_INET
        address[2..4].copy_from_slice(&port.to_be_bytes());
        address[4..8].copy_from_slice(&[127, 0, 0, 1]);
        let socket = sys::socket(INET_STREAM.0, INET_STREAM.1, 0);
        if self.0 >= 0
            || socket < 0
            || sys::bind(socket as usize, &address) < 0
            || sys::listen(socket as usize, wire::BACKLOG) < 0
            || sys::write(owner, &[wire::LISTENS]) != 1
        {
            sys::exit(UNABLE);
        }
        self.0 = socket as i32;
    }

    /// Passes the next connection on. One that the owner does not take at once is dropped: nothing here waits.
    pub fn pass_on(&self, owner: usize) {
        let connection = sys::accept(self.0 as usize);
        if connection >= 0 {
            sys::send_descriptor(owner, wire::CONNECTED, connection as i32);
            sys::close(connection as usize);
        }
    }
}
