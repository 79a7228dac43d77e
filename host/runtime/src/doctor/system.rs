//! What the system offers.

/// Whether the page scan may be used to clean recycled memory: the kernel has it, and swap is off.
///
/// The scan asks for pages that are present. A written page that was swapped out would be neither cleaned nor
/// dropped, and the next guest could read it (docs/adr/0002-engine.md).
pub(crate) fn page_scan_is_sound() -> bool {
    swap_is_off() && wasmtime::PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Whether nothing of this process can be swapped out: the system has no swap, or its control group none.
pub(super) fn swap_is_off() -> bool {
    let no_devices = std::fs::read_to_string("/proc/swaps")
        .is_ok_and(|table| table.lines().skip(1).all(|line| line.trim().is_empty()));
    no_devices || group_forbids_swap()
}

fn group_forbids_swap() -> bool {
    let Ok(groups) = std::fs::read_to_string("/proc/self/cgroup") else { return false };
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::")) else { return false };
    std::fs::read_to_string(format!("/sys/fs/cgroup{path}/memory.swap.max")).is_ok_and(|limit| limit.trim() == "0")
}
