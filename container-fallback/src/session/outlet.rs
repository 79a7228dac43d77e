//! The way out of a container: what its agent hears on the loopback in there goes to the outlet of the session.
//!
//! The container has no network, and the host never enters its namespaces: the agent accepts, and the descriptor of each
//! connection comes over the socket that carries the commands.

use super::{CONNECTING, StartError, ready};
use crate::wire::{self, Header};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::io::{self, IoSliceMut, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use vox_model::programs::Outlet;

/// Where the agent listens: the usual port of proxies. The container's loopback is nobody else's.
const PORT: u16 = 3128;

/// Where programs find what they have to trust.
pub(super) const TRUST: &str = "/run/vox/authority.pem";

/// The variables by which programs find an outlet.
pub(super) fn variables(outlet: &dyn Outlet) -> Vec<(String, String)> {
    outlet.variables(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)), TRUST)
}

/// Lets the agent listen, and hands over what it hears until the socket ends.
pub(super) fn open(socket: &UnixStream, outlet: Arc<dyn Outlet>) -> Result<(), StartError> {
    let header = Header { kind: wire::LISTEN, id: PORT.into(), ..Header::default() };
    let mut asked = socket;
    asked.write_all(&header.encode())?;
    if !ready(socket.as_fd(), CONNECTING)? {
        return Err(StartError::Outlet);
    }
    match receive(socket)? {
        Some((wire::LISTENS, None)) => {}
        _ => return Err(StartError::Outlet),
    }
    let socket = socket.try_clone()?;
    std::thread::Builder::new().name("vox-outlet".to_owned()).spawn(move || pass_on(&socket, &*outlet))?;
    Ok(())
}

/// Ends with the session, which shuts the socket down.
fn pass_on(socket: &UnixStream, outlet: &dyn Outlet) {
    loop {
        match receive(socket) {
            Ok(Some((wire::CONNECTED, Some(connection)))) => outlet.take(TcpStream::from(connection)),
            // Where this process may open no further file, the descriptor is lost and the connection with it.
            Ok(Some((wire::CONNECTED, None))) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// One byte of the agent and the descriptor that came with it; none at the end.
fn receive(socket: &UnixStream) -> io::Result<Option<(u8, Option<OwnedFd>)>> {
    let mut byte = [0];
    let mut space = [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok((got.bytes == 1).then_some((byte[0], descriptor)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    use std::io::{IoSlice, Read as _};
    use std::net::TcpListener;
    use std::os::fd::BorrowedFd;
    use std::sync::Mutex;

    #[derive(Debug, Default)]
    struct Taken(Mutex<Vec<TcpStream>>);

    impl Outlet for Taken {
        fn trust(&self) -> Result<String, String> {
            Ok(String::new())
        }

        fn variables(&self, _: SocketAddr, _: &str) -> Vec<(String, String)> {
            Vec::new()
        }

        fn take(&self, connection: TcpStream) {
            self.0.lock().unwrap().push(connection);
        }

        fn end(&self) {}
    }

    fn say(socket: &UnixStream, byte: u8, fds: &[BorrowedFd<'_>]) {
        let mut space = [const { std::mem::MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)));
        sendmsg(socket, &[IoSlice::new(&[byte])], &mut control, SendFlags::empty()).unwrap();
    }

    #[test]
    fn connections_come_one_by_one_and_the_end_of_the_socket_is_the_end() {
        let (agent, owner) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near: Vec<TcpStream> =
            (0..3).map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
        for _ in &near {
            let far = listener.accept().unwrap().0;
            say(&agent, wire::CONNECTED, &[far.as_fd()]);
        }
        // A descriptor that was lost on the way is no reason to stop.
        say(&agent, wire::CONNECTED, &[]);
        drop(agent);
        let taken = Taken::default();
        pass_on(&owner, &taken);
        let taken = taken.0.into_inner().unwrap();
        assert_eq!(taken.len(), 3);
        for (mut near, mut far) in near.into_iter().zip(taken) {
            near.write_all(b"hello").unwrap();
            let mut heard = [0; 5];
            far.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello");
        }
    }

    #[test]
    fn an_agent_that_does_not_listen_is_no_way_out() {
        for answer in [Some(wire::CONNECTED), Some(9), None] {
            let (agent, owner) = UnixStream::pair().unwrap();
            if let Some(byte) = answer {
                say(&agent, byte, &[]);
            }
            agent.shutdown(std::net::Shutdown::Write).unwrap();
            let opened = open(&owner, Arc::new(Taken::default()));
            assert!(matches!(opened, Err(StartError::Outlet)), "{answer:?}: {opened:?}");
        }
    }
}
