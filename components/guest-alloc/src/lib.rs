//! An allocator for guests that live for one call.
//!
//! A fresh sandbox pays for every page it touches and for every `memory.grow`, and the allocator of the standard
//! library asks for `memory.grow` with its first byte. This one serves the first [`ARENA`] bytes of a call from a
//! static block that is there from the start, so a small call neither grows its memory nor touches the heap.
//!
//! | request | served from |
//! |---|---|
//! | up to [`SMALL`] bytes | the list of freed blocks of its size class, else the arena, else a chunk cut from the heap |
//! | larger, while it fits | the arena |
//! | anything else | the heap: the allocator of the standard library |
//!
//! The last block of the arena can grow, shrink and go back in place, which is what a growing string does.
//!
//! **Pre-initialisation.** What runs at build time (`wizer-initialize`) is kept in the snapshot of the memory. Call
//! [`build_time`] around it: everything goes to the heap meanwhile, and the arena of every call starts untouched.
//!
//! Outside WebAssembly there is nothing to gain, so [`GuestAlloc`] is then the allocator of the standard library.

#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "the arena is tested natively, not used"))]

mod bump;

use bump::Bump;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;

/// Bytes that a call can use before its memory grows.
pub const ARENA: usize = 64 * 1024;

/// Largest block that is kept by size class.
pub const SMALL: usize = 256;

/// Alignment of every small block.
const GRAIN: usize = 16;

/// Size classes: one for each multiple of [`GRAIN`] up to [`SMALL`].
const CLASSES: usize = SMALL / GRAIN;

/// Bytes that are taken from the heap at once for small blocks, when the arena is used up.
const CHUNK: usize = 256 * 1024;

/// The static block, on pages of its own: they are dropped or reset together after a call.
#[repr(C, align(4096))]
struct Arena(UnsafeCell<[u8; ARENA]>);

// SAFETY: the block is reached only through `State`, which one thread uses at a time (see `GuestAlloc`).
unsafe impl Sync for Arena {}

static ARENA_BLOCK: Arena = Arena(UnsafeCell::new([0; ARENA]));

/// A freed small block; the link lies in the block itself.
struct Free {
    next: *mut Free,
}

struct State {
    /// The free part of the arena.
    arena: Bump,
    /// The free part of the last chunk.
    chunk: Bump,
    /// Freed blocks by size class.
    free: [*mut Free; CLASSES],
    /// Whether the program runs at build time.
    building: bool,
}

/// The allocator: arena, size classes, heap.
pub struct GuestAlloc {
    state: UnsafeCell<State>,
}

// SAFETY: components built for wasm32 without threads have one thread, so no two calls overlap. Natively the state
// is not used at all (`alloc` and its siblings go to `System`), except by the tests, which own their instance.
unsafe impl Sync for GuestAlloc {}

impl GuestAlloc {
    /// An allocator with an untouched arena. There must be one only, as `#[global_allocator]`: all share one block.
    #[expect(clippy::new_without_default, reason = "used in statics, where `default` cannot be called")]
    pub const fn new() -> Self {
        let state = State {
            arena: Bump::unset(),
            chunk: Bump::unset(),
            free: [std::ptr::null_mut(); CLASSES],
            building: false,
        };
        GuestAlloc { state: UnsafeCell::new(state) }
    }

    /// Runs `work` with the arena closed, so that what it allocates is part of a snapshot and takes no room of a call.
    ///
    /// Freed small blocks of that time are forgotten too: a call takes its memory from the arena, which lies together,
    /// instead of from holes that are spread over the snapshot.
    pub fn build_time<T>(&self, work: impl FnOnce() -> T) -> T {
        // SAFETY: one thread (see `Sync` above), and the reference ends before `work` allocates.
        unsafe { (*self.state.get()).building = true };
        let result = work();
        // SAFETY: as before.
        unsafe {
            let state = &mut *self.state.get();
            state.building = false;
            state.free = [std::ptr::null_mut(); CLASSES];
            state.chunk = Bump::unset();
        }
        result
    }
}

/// The size class of a layout, if it is small.
#[inline(always)]
fn class(layout: &Layout) -> Option<usize> {
    (layout.size() <= SMALL && layout.align() <= GRAIN).then(|| layout.size().saturating_sub(1) / GRAIN)
}

/// Bytes of a block of a class.
const fn class_size(class: usize) -> usize {
    (class + 1) * GRAIN
}

impl State {
    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        if !self.arena.is_set() {
            // SAFETY: the block is static and only this state uses it.
            self.arena = unsafe { Bump::over(ARENA_BLOCK.0.get().cast(), ARENA) };
        }
        match class(&layout) {
            Some(class) => {
                let first = self.free[class];
                if !first.is_null() {
                    // SAFETY: a block in the list is free and begins with its link, written by `dealloc`.
                    self.free[class] = unsafe { (*first).next };
                    return first.cast();
                }
                self.small(class)
            }
            None => {
                // Half of the arena stays with small blocks.
                if !self.building
                    && layout.size() <= ARENA / 2
                    && let Some(block) = self.arena.take(layout.size(), layout.align())
                {
                    return block;
                }
                // SAFETY: the layout is the caller's.
                unsafe { System.alloc(layout) }
            }
        }
    }

    #[inline]
    fn small(&mut self, class: usize) -> *mut u8 {
        let size = class_size(class);
        if !self.building
            && let Some(block) = self.arena.take(size, GRAIN)
        {
            return block;
        }
        match self.chunk.take(size, GRAIN) {
            Some(block) => block,
            None => self.small_from_new_chunk(size),
        }
    }

    #[cold]
    fn small_from_new_chunk(&mut self, size: usize) -> *mut u8 {
        // The rest of the old chunk is lost: less than one small block.
        let Ok(layout) = Layout::from_size_align(CHUNK, GRAIN) else { return std::ptr::null_mut() };
        // SAFETY: the layout is not empty.
        let chunk = unsafe { System.alloc(layout) };
        if chunk.is_null() {
            return chunk;
        }
        // SAFETY: the chunk is fresh, as long as said, and never given back.
        self.chunk = unsafe { Bump::over(chunk, CHUNK) };
        self.chunk.take(size, GRAIN).unwrap_or(std::ptr::null_mut())
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        match class(&layout) {
            Some(class) => {
                let block: *mut Free = block.cast();
                // SAFETY: the caller gives the block up; it is at least GRAIN long and aligned to GRAIN.
                unsafe { (*block).next = self.free[class] };
                self.free[class] = block;
            }
            None if self.arena.holds(block) => self.arena.give_back(block, layout.size()),
            // SAFETY: large blocks outside the arena come from `System` with this layout.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is valid for this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (class(&layout), class(&new)) {
            (Some(old), Some(new)) if old == new => return block,
            (None, None) if !self.arena.holds(block) => {
                // SAFETY: large blocks outside the arena come from `System` with this layout.
                return unsafe { System.realloc(block, layout, new_size) };
            }
            // From small to large in place would end in `dealloc` with a size that is right all the same, because
            // the arena asks for the size only of its last block.
            (old, None) if new_size <= ARENA / 2 && self.arena.holds(block) => {
                let old_size = old.map_or(layout.size(), class_size);
                if self.arena.resize_last(block, old_size, new_size) {
                    return block;
                }
            }
            _ => {}
        }
        // SAFETY: the new block is as long as asked; the old one as long as its layout says; they do not overlap,
        // because the old one is still taken.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                std::ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

// SAFETY: blocks come from the arena, from chunks or from `System`, are as long and as aligned as the layout asks
// (small ones are rounded up to their class and aligned to GRAIN), and are not given out twice: `Bump` only moves
// forward, except over its last block when that one is given back, and a size class holds freed blocks only.
unsafe impl GlobalAlloc for GuestAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(target_family = "wasm")]
        // SAFETY: one thread, and nothing below calls back into the allocator.
        return unsafe { (*self.state.get()).alloc(layout) };
        #[cfg(not(target_family = "wasm"))]
        // SAFETY: the caller's promises are those of `System`.
        return unsafe { System.alloc(layout) };
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(target_family = "wasm")]
        // SAFETY: as in `alloc`.
        return unsafe { (*self.state.get()).dealloc(block, layout) };
        #[cfg(not(target_family = "wasm"))]
        // SAFETY: as in `alloc`.
        return unsafe { System.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // Large blocks straight from the heap may be known to be zero; the rest is short.
        if cfg!(not(target_family = "wasm")) || layout.size() > ARENA / 2 {
            // SAFETY: the caller's promises are those of `System`.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the block is as long as the layout says.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        #[cfg(target_family = "wasm")]
        // SAFETY: as in `alloc`.
        return unsafe { (*self.state.get()).realloc(block, layout, new_size) };
        #[cfg(not(target_family = "wasm"))]
        // SAFETY: as in `alloc`.
        return unsafe { System.realloc(block, layout, new_size) };
    }
}

#[cfg(test)]
mod tests;
