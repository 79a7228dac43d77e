//! What goes over the socket between a session and its init: a length of four bytes, then JSON, with descriptors at the
//! first byte. Same program on both ends, so there are no versions.

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The longest message: a command of [`COMMAND`](crate::limits::COMMAND) bytes in which JSON escapes every byte by six,
/// and the rest.
const MESSAGE: usize = 2 << 20;

/// Descriptors of a command: input, output, error, status.
pub(crate) const DESCRIPTORS: usize = 4;

/// What an init is set up with. The first message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Bytes of private memory of each process.
    pub(crate) memory: u64,
    /// Folders that programs see.
    pub(crate) folders: Vec<Folder>,
    /// Whether this session measures: it has an overlay of its own to write to, and may execute this program.
    pub(crate) measures: bool,
}

/// A folder that programs see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Folder {
    /// Where it is; any bytes.
    pub(crate) host: OsString,
    /// Where programs see it.
    pub(crate) guest: String,
    /// What they may do with it.
    pub(crate) access: Access,
}

/// What programs may do with a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Access {
    /// Read it.
    Read,
    /// Write to it at once.
    Direct,
    /// Write into a layer above it.
    Write {
        /// The layer.
        upper: OsString,
        /// The kernel's own folder beside it.
        work: OsString,
    },
}

/// What the init says to the first message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ready {
    /// Commands can be run.
    Yes,
    /// Nothing can be run; the text says which step failed, the other what a person can do.
    No {
        /// What failed.
        what: String,
        /// What mends it.
        fix: String,
    },
}

/// What a session asks for, after that.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Run a program. With [`DESCRIPTORS`] descriptors.
    Run(Run),
    /// End the command with this number, and its process group.
    Kill(u32),
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The number of the command.
    pub(crate) id: u32,
    /// A name that is looked up in `PATH`, or a path.
    pub(crate) program: String,
    /// Without the program's own name.
    pub(crate) arguments: Vec<String>,
    /// The whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The working folder.
    pub(crate) folder: String,
    /// Processor time of each process.
    pub(crate) cpu_seconds: u64,
}

/// How a command ended; said on its status pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ended {
    /// It exited with a code.
    Exited(u8),
    /// A signal ended it.
    Signalled(u8),
    /// It did not start: the step, and the error number.
    NotStarted(Step, i32),
}

/// What failed at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Making the process.
    Fork,
    /// Entering the working folder.
    Folder,
    /// Executing the program.
    Exec,
}

/// Sends a message with its descriptors.
pub(crate) fn send(socket: &mut UnixStream, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length as usize <= MESSAGE);
    let length = length.ok_or_else(|| io::Error::other("a message is too long"))?.to_le_bytes();
    let mut space = [const { MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("there are more descriptors than a message has"));
    }
    // NOSIGNAL: that the other end is gone is an error here, not the end of the process.
    let sent = sendmsg(&*socket, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    socket.write_all(&length[sent..])?;
    socket.write_all(&body)
}

/// Receives a message with its descriptors; none at the end of the stream.
pub(crate) fn receive<T: DeserializeOwned>(socket: &mut UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut length = [0; 4];
    let mut space = [const { MaybeUninit::uninit() }; rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut parts = [IoSliceMut::new(&mut length)];
        match recvmsg(&*socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(got) => break got.bytes,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds: Vec<OwnedFd> = fds.flatten().collect();
    socket.read_exact(&mut length[got..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MESSAGE {
        return Err(io::Error::other("a message is too long"));
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn messages_arrive_whole_with_their_descriptors() {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let run = Run {
            id: 7,
            program: "git".to_owned(),
            arguments: vec!["ä\n\u{1}".repeat(1000)],
            environment: vec![("A".to_owned(), "b=c".to_owned())],
            folder: "/work".to_owned(),
            cpu_seconds: 2,
        };
        let (reader, mut writer) = io::pipe().unwrap();
        send(&mut one, &Request::Run(run.clone()), &[reader.as_fd()]).unwrap();
        send(&mut one, &Request::Kill(7), &[]).unwrap();
        drop((one, reader));
        let Some((Request::Run(got), fds)) = receive::<Request>(&mut other).unwrap() else { panic!("no command") };
        assert_eq!((got, fds.len()), (run, 1));
        writer.write_all(b"x").unwrap();
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(fds.into_iter().next().unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        assert!(matches!(receive::<Request>(&mut other).unwrap(), Some((Request::Kill(7), fds)) if fds.is_empty()));
        assert!(receive::<Request>(&mut other).unwrap().is_none());
    }

    #[test]
    fn paths_of_any_bytes_go_through_and_a_huge_length_does_not() {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let host = OsString::from_vec(vec![b'/', 0xff, b':', b',']);
        let folder = Folder { host: host.clone(), guest: "/work".to_owned(), access: Access::Read };
        send(&mut one, &Setup { folders: vec![folder], ..Setup::default() }, &[]).unwrap();
        let (setup, _) = receive::<Setup>(&mut other).unwrap().unwrap();
        assert_eq!(setup.folders[0].host, host);
        one.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(receive::<Setup>(&mut other).is_err());
    }
}
