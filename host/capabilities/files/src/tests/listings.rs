//! Directories that are too large to be listed are refused, not held in memory.
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

use super::*;
use crate::sys::{Listing, Root};

#[test]
fn a_listing_has_a_bound_on_entries_and_on_names() {
    let bench = Bench::in_memory();
    for number in 0..10 {
        bench.write(&format!("{number}{}", "x".repeat(9)), "");
    }
    let live = Root::open(&bench.live).unwrap();
    let list = |entries, bytes| live.list_within(&root(), Listing { entries, bytes }).map(|(listed, _)| listed.len());
    assert_eq!(list(10, 100).unwrap(), 10);
    for (entries, bytes) in [(9, 100), (10, 99)] {
        let refused = list(entries, bytes);
        assert_eq!(word(&refused), "Io(FileTooLarge)", "{entries} {bytes}");
    }
}

/// The bound itself, with as many files as it takes: only with VOX_TEST_SCALE=20, because it takes a million.
#[test]
fn a_million_entries_are_refused_and_half_of_them_are_listed() {
    if scale() < 20 {
        eprintln!("left out: a million files take long; the bound is tested on ten, and here with VOX_TEST_SCALE=20");
        return;
    }
    let bench = Bench::in_memory();
    let fill = |from: u32, to: u32| {
        for number in from..to {
            std::fs::File::create(bench.live.join(number.to_string())).unwrap();
        }
    };
    fill(0, 1 << 19);
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        assert_eq!(bench.open(access).list(&root()).unwrap().len(), 1 << 19, "{access:?}");
    }
    fill(1 << 19, 1_000_000);
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        assert_eq!(word(&bench.open(access).list(&root())), "Io(FileTooLarge)", "{access:?}");
    }
}
