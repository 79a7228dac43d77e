//! Files through streams, as `wasi:io` drives them.

use super::super::bindings::wasi::filesystem::types::Host as _;
use super::super::stream::CHUNK;
use super::*;
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, StreamError, StreamResult};

/// A file to read from an offset on.
fn input(memory: &Arc<Memory>, path: &str, offset: u64) -> (Guest, DynInputStream) {
    let (mut guest, root) = Guest::of(memory);
    let file = guest.open(root, path, none(), READ).unwrap();
    let stream = told(guest.view().read_via_stream(file.lent(), offset)).unwrap();
    let stream = guest.table.delete(stream).unwrap();
    (guest, stream)
}

/// A file to write.
fn output(memory: &Arc<Memory>, path: &str, offset: Option<u64>) -> (Guest, DynOutputStream) {
    let (mut guest, root) = Guest::of(memory);
    let file = guest.open(root, path, none(), WRITE).unwrap();
    let stream = match offset {
        Some(offset) => guest.view().write_via_stream(file.lent(), offset),
        None => guest.view().append_via_stream(file.lent()),
    };
    let stream = guest.table.delete(told(stream).unwrap()).unwrap();
    (guest, stream)
}

fn closed<T>(result: StreamResult<T>) -> bool {
    matches!(result, Err(StreamError::Closed))
}

/// The code that a guest finds in an error of a stream.
fn found<T>(guest: &mut Guest, result: StreamResult<T>) -> Option<ErrorCode> {
    let Err(StreamError::LastOperationFailed(error)) = result else { return None };
    let handle = guest.table.push(error).unwrap();
    guest.view().filesystem_error_code(Resource::new_borrow(handle.rep())).unwrap()
}

#[test]
fn a_file_is_read_to_its_end() {
    let (_guest, mut stream) = input(&sample(false), "a.txt", 3);
    assert_eq!(now(stream.blocking_read(4)).unwrap(), "3456".as_bytes());
    assert!(stream.read(0).unwrap().is_empty());
    assert_eq!(stream.read(usize::MAX).unwrap(), "789".as_bytes());
    assert!(closed(stream.read(1)));
    assert!(closed(now(stream.blocking_read(1))));
    assert!(closed(stream.skip(1)));
}

#[test]
fn reading_starts_anywhere() {
    for offset in [10, 11, i64::MAX as u64] {
        let (_guest, mut stream) = input(&sample(false), "a.txt", offset);
        assert!(closed(stream.read(1)), "{offset}");
    }
    let (mut guest, root) = Guest::of(&sample(false));
    let file = guest.open(root, "a.txt", none(), READ).unwrap();
    assert_eq!(told(guest.view().read_via_stream(file.lent(), u64::MAX)).map(drop), Err(ErrorCode::Invalid));
}

#[test]
fn one_read_moves_a_chunk_at_most() {
    let memory = Arc::new(Memory::new(false).file("big", &vec![1; 3 * CHUNK + 1]));
    let (_guest, mut stream) = input(&memory, "big", 0);
    let mut sizes = Vec::new();
    while let Ok(bytes) = now(stream.blocking_read(usize::MAX)) {
        assert_eq!(memory.asked(), CHUNK as u64);
        sizes.push(bytes.len());
    }
    assert_eq!(sizes, [CHUNK, CHUNK, CHUNK, 1]);
}

#[test]
fn skipping_reads_nothing() {
    let memory = Arc::new(Memory::new(false).file("big", &vec![1; 3 * CHUNK]));
    let (_guest, mut stream) = input(&memory, "big", 1);
    assert_eq!(stream.skip(0).unwrap(), 0);
    assert_eq!(stream.skip(2 * CHUNK).unwrap(), 2 * CHUNK);
    assert_eq!(now(stream.blocking_skip(usize::MAX)).unwrap(), CHUNK - 1);
    assert!(closed(stream.skip(1)));
    assert_eq!(memory.asked(), 0);
}

#[test]
fn streams_of_one_file_do_not_disturb_each_other() {
    let memory = sample(true);
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "a.txt", none(), READ | WRITE).unwrap();
    let mut streams: Vec<DynInputStream> = [0, 5]
        .map(|offset| {
            let stream = told(guest.view().read_via_stream(file.lent(), offset)).unwrap();
            guest.table.delete(stream).unwrap()
        })
        .into();
    let writer = told(guest.view().write_via_stream(file.lent(), 8)).unwrap();
    let mut writer = guest.table.delete(writer).unwrap();
    // Streams outlive the handle that they came from.
    guest.view().drop(file.own()).unwrap();
    assert_eq!(streams[0].read(2).unwrap(), "01".as_bytes());
    assert_eq!(streams[1].read(2).unwrap(), "56".as_bytes());
    writer.write(Bytes::from_static(b"xyz")).unwrap();
    assert_eq!(streams[0].read(99).unwrap(), "234567xyz".as_bytes());
    assert_eq!(streams[1].read(99).unwrap(), "7xyz".as_bytes());
}

#[test]
fn writing_goes_on_where_it_was() {
    let memory = sample(true);
    let (_guest, mut stream) = output(&memory, "a.txt", Some(8));
    assert_eq!(stream.check_write().unwrap(), CHUNK);
    stream.write(Bytes::from_static(b"ab")).unwrap();
    now(stream.blocking_write_and_flush(Bytes::from_static(b"cd"))).unwrap();
    stream.flush().unwrap();
    stream.write_zeroes(2).unwrap();
    assert_eq!(memory.bytes("a.txt").unwrap(), b"01234567abcd\0\0");
}

#[test]
fn appending_finds_the_end() {
    let memory = sample(true);
    let (_guest, mut one) = output(&memory, "a.txt", None);
    let (_other, mut other) = output(&memory, "a.txt", None);
    one.write(Bytes::from_static(b"one")).unwrap();
    other.write(Bytes::from_static(b"two")).unwrap();
    one.write(Bytes::from_static(b"three")).unwrap();
    assert_eq!(memory.bytes("a.txt").unwrap(), b"0123456789onetwothree");
}

#[test]
fn writing_more_than_allowed_ends_the_guest() {
    let memory = sample(true);
    let (_guest, mut stream) = output(&memory, "a.txt", None);
    assert!(matches!(stream.write(vec![0; CHUNK + 1].into()), Err(StreamError::Trap(_))));
    assert!(stream.write(vec![0; CHUNK].into()).is_ok());
    assert!(matches!(stream.write_zeroes(usize::MAX), Err(StreamError::Trap(_))));
    assert_eq!(memory.bytes("a.txt").unwrap().len(), 10 + CHUNK);
}

#[test]
fn errors_are_told_once_and_close_the_stream() {
    let memory = sample(true);
    let (mut guest, mut stream) = output(&memory, "a.txt", None);
    memory.limit(11);
    stream.write(Bytes::from_static(b"x")).unwrap();
    let failed = stream.write(Bytes::from_static(b"x"));
    assert_eq!(found(&mut guest, failed), Some(ErrorCode::Quota));
    assert!(closed(stream.write(Bytes::from_static(b"x"))));
    assert!(closed(stream.check_write()) && closed(stream.flush()));

    let (mut guest, mut stream) = input(&memory, "a.txt", 0);
    let (mut other, mut skipper) = input(&memory, "a.txt", 0);
    memory.revoke();
    let (read, skipped) = (stream.read(1), skipper.skip(1));
    assert_eq!(found(&mut guest, read), Some(ErrorCode::Access));
    assert_eq!(found(&mut other, skipped), Some(ErrorCode::Access));
    assert!(closed(stream.read(1)) && closed(skipper.skip(1)));
}

#[test]
fn writing_beyond_any_file_fails() {
    let memory = sample(true);
    let (mut guest, mut stream) = output(&memory, "a.txt", Some(i64::MAX as u64));
    let failed = stream.write(Bytes::from_static(b"x"));
    assert_eq!(found(&mut guest, failed), Some(ErrorCode::FileTooLarge));
    let (mut guest, root) = Guest::of(&memory);
    let file = guest.open(root, "a.txt", none(), WRITE).unwrap();
    let refused = guest.view().write_via_stream(file.lent(), u64::MAX);
    assert_eq!(told(refused).map(drop), Err(ErrorCode::FileTooLarge));
}

#[test]
fn errors_of_other_streams_have_no_code() {
    let (mut guest, _) = Guest::of(&sample(true));
    let error = guest.table.push(wasmtime::Error::msg("a pipe broke")).unwrap();
    assert_eq!(guest.view().filesystem_error_code(error).unwrap(), None);
}

/// What a guest can print of an error names no path of the host.
#[test]
fn errors_say_nothing_of_the_host() {
    let error = crate::tree::FsError::Io(std::io::Error::other("/home/somebody/secret.txt: disk on fire"));
    let told = wasmtime::Error::new(super::super::fault::code(&error));
    assert!(!format!("{told:?} {told}").contains("secret"));
}
