//! A region that is handed out from its start to its end.

/// The free part of a region, and where the region lies.
pub(crate) struct Bump {
    start: *mut u8,
    next: *mut u8,
    end: *mut u8,
}

impl Bump {
    /// A region that holds nothing.
    pub(crate) const fn unset() -> Self {
        let nowhere = std::ptr::null_mut();
        Bump { start: nowhere, next: nowhere, end: nowhere }
    }

    /// A region over `len` bytes at `start`.
    ///
    /// # Safety
    /// The bytes must be valid for reads and writes and be used by this region alone.
    pub(crate) unsafe fn over(start: *mut u8, len: usize) -> Self {
        // SAFETY: one past the end of the block that the caller vouches for.
        let end = unsafe { start.add(len) };
        Bump { start, next: start, end }
    }

    /// Whether it lies over a block.
    #[inline(always)]
    pub(crate) fn is_set(&self) -> bool {
        !self.start.is_null()
    }

    /// Whether a block came from here.
    #[inline(always)]
    pub(crate) fn holds(&self, block: *mut u8) -> bool {
        self.start <= block && block < self.end
    }

    /// Cuts `size` bytes from the front; `align` is a power of two.
    #[inline(always)]
    pub(crate) fn take(&mut self, size: usize, align: usize) -> Option<*mut u8> {
        let skip = self.next.align_offset(align);
        let room = self.end as usize - self.next as usize;
        if skip > room || size > room - skip {
            return None;
        }
        // SAFETY: `skip + size` bytes are left, as just checked.
        unsafe {
            let block = self.next.add(skip);
            self.next = block.add(size);
            Some(block)
        }
    }

    /// Takes a block back if it was the last one given out; otherwise it is lost until the region is.
    #[inline]
    pub(crate) fn give_back(&mut self, block: *mut u8, size: usize) {
        if block as usize + size == self.next as usize {
            self.next = block;
        }
    }

    /// Makes the last block longer or shorter in place, if it is the last one and there is room.
    #[inline]
    pub(crate) fn resize_last(&mut self, block: *mut u8, old: usize, new: usize) -> bool {
        let last = block as usize + old == self.next as usize;
        if !last || new > self.end as usize - block as usize {
            return false;
        }
        // SAFETY: the block starts inside the region and `new` bytes fit before its end, as just checked.
        self.next = unsafe { block.add(new) };
        true
    }
}
