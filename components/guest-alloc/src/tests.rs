//! The state is driven directly: natively the global allocator is that of the standard library.

use super::*;

/// All tests share the one static block, so they run one after the other.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn state() -> State {
    GuestAlloc::new().state.into_inner()
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("a valid layout")
}

#[test]
fn small_blocks_come_back_and_are_used_again() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: every block is used within its layout and freed once.
    unsafe {
        let a = state.alloc(layout(24, 8));
        let b = state.alloc(layout(24, 8));
        assert!(state.arena.holds(a) && state.arena.holds(b) && a != b);
        state.dealloc(a, layout(24, 8));
        assert_eq!(state.alloc(layout(32, 4)), a);
        assert_ne!(state.alloc(layout(16, 4)), b);
    }
}

#[test]
fn the_last_block_grows_in_place() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: as above.
    unsafe {
        let block = state.alloc(layout(300, 1));
        block.write_bytes(7, 300);
        assert_eq!(state.realloc(block, layout(300, 1), 5000), block);
        assert_eq!(state.realloc(block, layout(5000, 1), 1000), block);
        let behind = state.alloc(layout(300, 1));
        assert!(behind as usize >= block as usize + 1000);
        let moved = state.realloc(block, layout(1000, 1), 2000);
        assert_ne!(moved, block);
        assert!((0..300).all(|i| *moved.add(i) == 7));
    }
}

#[test]
fn small_blocks_that_grow_keep_their_bytes() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: as above.
    unsafe {
        let mut block = state.alloc(layout(1, 1));
        block.write(42);
        let mut size = 1;
        for next in [8, 16, 17, 200, 256, 257, 4000, 40_000, 400_000, 100, 10, 1] {
            block = state.realloc(block, layout(size, 1), next);
            assert_eq!(*block, 42, "from {size} to {next}");
            size = next;
        }
        state.dealloc(block, layout(size, 1));
    }
}

#[test]
fn a_full_arena_goes_over_to_the_heap() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: as above.
    unsafe {
        let large = state.alloc(layout(1 << 20, 16));
        assert!(!state.arena.holds(large));
        state.dealloc(large, layout(1 << 20, 16));

        let blocks: Vec<_> = (0..10_000).map(|_| state.alloc(layout(100, 16))).collect();
        let mut distinct = blocks.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), blocks.len());
        assert!(distinct.windows(2).all(|pair| pair[1] as usize - pair[0] as usize >= 100));
        assert!(blocks.iter().all(|block| (*block as usize).is_multiple_of(16)));
        assert!(state.arena.holds(blocks[0]) && !state.arena.holds(blocks[9_999]));
        for block in &blocks {
            state.dealloc(*block, layout(100, 16));
        }
        assert!(blocks.contains(&state.alloc(layout(97, 1))));
    }
}

#[test]
fn large_alignments_are_kept() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: as above.
    unsafe {
        state.alloc(layout(1, 1));
        for align in [32, 64, 1024] {
            assert_eq!(state.alloc(layout(40, align)) as usize % align, 0);
        }
    }
}

#[test]
fn build_time_leaves_the_arena_alone() {
    let _turn = TURN.lock();
    let mut state = state();
    // SAFETY: as above.
    unsafe {
        state.building = true;
        let small = state.alloc(layout(40, 8));
        let large = state.alloc(layout(4000, 8));
        assert!(!state.arena.holds(small) && !state.arena.holds(large));
        state.building = false;
        let first = state.alloc(layout(48, 8));
        assert!(state.arena.holds(first));
    }
}
