//! Misbehaves in every way that a skill can.
#![allow(clippy::empty_loop, unconditional_recursion, reason = "that is what it is for")]

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "hostile" });
}

use std::hint::black_box;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Hostile;

impl bindings::Guest for Hostile {
    fn ping() -> String {
        "pong".to_owned()
    }

    fn count() -> u32 {
        CALLS.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn spin() {
        loop {
            black_box(());
        }
    }

    fn panic_with(message: String) {
        panic!("{message}");
    }

    fn panic_after(text: Vec<u8>) {
        let _ = std::io::stderr().write_all(&text);
        panic!("after that");
    }

    fn recurse() -> u64 {
        deeper(black_box(1))
    }

    fn allocate() {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        loop {
            kept.push(black_box(vec![1; 1 << 20]));
        }
    }

    fn copy() {
        let from = vec![1u8; 24 << 20];
        let mut to = vec![0u8; 24 << 20];
        loop {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        }
    }

    fn flood(mebibytes: u32) -> u32 {
        let piece = vec![b'x'; 1 << 20];
        let mut written = 0;
        for _ in 0..mebibytes {
            let fine = std::io::stdout().write_all(&piece).is_ok() && std::io::stderr().write_all(&piece).is_ok();
            written += u32::from(fine);
        }
        written
    }

    fn sleep_for(seconds: u32) {
        std::thread::sleep(Duration::from_secs(seconds.into()));
    }

    fn naps() {
        loop {
            (0..20_000u32).for_each(|n| {
                black_box(n);
            });
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn yields() {
        loop {
            std::thread::sleep(Duration::from_nanos(1));
        }
    }

    fn bytes(count: u32) -> Vec<u8> {
        vec![7; count as usize]
    }

    fn strings(count: u32) -> Vec<String> {
        vec![String::new(); count as usize]
    }

    fn nested(count: u32) -> Vec<Vec<Vec<u32>>> {
        let count = count as usize;
        vec![vec![vec![7; count]; count]; count]
    }

    fn exit_with(status: u8) {
        std::process::exit(status.into());
    }

    fn measure(text: String) -> u32 {
        text.len() as u32
    }

    fn fail(message: String) -> Result<u32, String> {
        Err(message)
    }
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    deeper(depth + 1) + frame[0]
}

bindings::export!(Hostile with_types_in bindings);
