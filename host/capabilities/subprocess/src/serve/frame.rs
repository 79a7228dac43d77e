//! Frames: four bytes with the length, the highest first, and so many bytes of JSON text in UTF-8.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Why there is no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unframed {
    /// The stream ended between two frames.
    End,
    /// The stream ended within a frame.
    Cut {
        /// Bytes of the frame, as its head says; none where the head itself was cut.
        length: Option<u32>,
        /// Bytes that came.
        came: u64,
    },
    /// The head says that it is longer than it may be.
    TooLong {
        /// The head.
        head: [u8; 4],
    },
    /// The system failed.
    Failed(String),
}

/// Writes one frame.
pub(crate) async fn write(to: &mut (impl AsyncWrite + Unpin), text: &[u8]) -> Result<(), Unframed> {
    let length = u32::try_from(text.len()).map_err(|_| Unframed::Failed("a request beyond 4 GiB".to_owned()))?;
    let failed = |error: std::io::Error| match error.kind() {
        // Who does not read any more has ended, and how is known elsewhere.
        std::io::ErrorKind::BrokenPipe => Unframed::End,
        _ => Unframed::Failed(error.to_string()),
    };
    to.write_all(&length.to_be_bytes()).await.map_err(failed)?;
    to.write_all(text).await.map_err(failed)?;
    to.flush().await.map_err(failed)
}

/// Reads one frame of at most `most` bytes. Memory is taken as the bytes come, not as the head promises them.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin), most: u64) -> Result<Vec<u8>, Unframed> {
    let mut bytes = Vec::with_capacity(4);
    let failed = |error: std::io::Error| Unframed::Failed(error.to_string());
    (&mut *from).take(4).read_to_end(&mut bytes).await.map_err(failed)?;
    let head: [u8; 4] = match bytes.as_slice().try_into() {
        Ok(head) => head,
        Err(_) if bytes.is_empty() => return Err(Unframed::End),
        Err(_) => return Err(Unframed::Cut { length: None, came: bytes.len() as u64 }),
    };
    let length = u32::from_be_bytes(head);
    if u64::from(length) > most {
        return Err(Unframed::TooLong { head });
    }
    bytes.clear();
    from.take(length.into()).read_to_end(&mut bytes).await.map_err(failed)?;
    match bytes.len() as u64 == u64::from(length) {
        true => Ok(bytes),
        false => Err(Unframed::Cut { length: Some(length), came: bytes.len() as u64 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(work)
    }

    fn framed(mut bytes: &[u8], most: u64) -> Result<Vec<u8>, Unframed> {
        now(read(&mut bytes, most))
    }

    #[test]
    fn what_is_written_is_read() {
        for text in [&b""[..], b"{}", &[b'x'; 70_000]] {
            let mut bytes = Vec::new();
            now(write(&mut bytes, text)).unwrap();
            assert_eq!(framed(&bytes, 70_000).unwrap(), text);
            assert!(framed(&bytes[..bytes.len() - 1], 70_000).is_err());
        }
    }

    #[test]
    fn a_length_is_believed_when_its_bytes_have_come() {
        assert_eq!(framed(b"", 9), Err(Unframed::End));
        assert_eq!(framed(b"\0\0", 9), Err(Unframed::Cut { length: None, came: 2 }));
        assert_eq!(framed(b"\0\0\0\x09abc", 9), Err(Unframed::Cut { length: Some(9), came: 3 }));
        assert_eq!(framed(b"\0\0\0\x0aabc", 9), Err(Unframed::TooLong { head: [0, 0, 0, 10] }));
        assert_eq!(framed(b"\xff\xff\xff\xff", u64::from(u32::MAX) - 1), Err(Unframed::TooLong { head: [255; 4] }));
        // 4 GiB are promised and not taken before they come.
        assert_eq!(framed(b"\xff\xff\xff\xffx", u64::MAX), Err(Unframed::Cut { length: Some(u32::MAX), came: 1 }));
    }
}
