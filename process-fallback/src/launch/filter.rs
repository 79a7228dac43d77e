//! The filter of system calls: what is forbidden, and everything that this list has never heard of.
//!
//! Two filters, of which the kernel takes the stricter answer. The first answers EPERM for what is known and forbidden. The
//! second answers ENOSYS for numbers beyond those that were looked at, so that a call of a newer kernel is not there
//! instead of being open.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use std::collections::BTreeMap;

/// Numbers of x86-64 that exist. Those of probes (335, 336) pass every filter, and kill whoever has none (arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.16): two ranges, between them nothing.
const KNOWN: [std::ops::RangeInclusive<i64>; 2] = [0..=334, 424..=467];

/// Never, whatever the arguments.
#[rustfmt::skip]
pub(super) const FORBIDDEN: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd, libc::SYS_kcmp, libc::SYS_migrate_pages, libc::SYS_move_pages,
    // Mounts, roots and name spaces.
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_open_tree,
    libc::SYS_move_mount, libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick,
    libc::SYS_mount_setattr, OPEN_TREE_ATTR, STATMOUNT, LISTMOUNT, libc::SYS_setns, libc::SYS_unshare,
    libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at, libc::SYS_fanotify_init, libc::SYS_fanotify_mark,
    libc::SYS_quotactl, libc::SYS_quotactl_fd,
    // Large parts of the kernel that ordinary programs do without.
    libc::SYS_bpf, libc::SYS_userfaultfd, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register, libc::SYS_perf_event_open, libc::SYS_add_key, libc::SYS_request_key,
    libc::SYS_keyctl, libc::SYS_personality, libc::SYS_modify_ldt, libc::SYS_lookup_dcookie, libc::SYS_vmsplice,
    // The machine.
    libc::SYS_kexec_load, libc::SYS_kexec_file_load, libc::SYS_init_module, libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_acct, libc::SYS_syslog, libc::SYS_iopl,
    libc::SYS_ioperm, libc::SYS_sethostname, libc::SYS_setdomainname, libc::SYS_settimeofday,
    libc::SYS_clock_settime, libc::SYS_clock_adjtime, libc::SYS_adjtimex, libc::SYS_vhangup, libc::SYS_uselib,
    libc::SYS_nfsservctl, libc::SYS__sysctl, libc::SYS_ustat, libc::SYS_sysfs,
    // Memory that no limit of a process counts: it outlives a mapping, or has none.
    libc::SYS_memfd_create, libc::SYS_memfd_secret, libc::SYS_shmget, libc::SYS_msgget,
];

/// Newer than the tables of the library.
const STATMOUNT: i64 = 457;
/// See [`STATMOUNT`].
const LISTMOUNT: i64 = 458;
/// See [`STATMOUNT`].
const OPEN_TREE_ATTR: i64 = 467;

/// Looked at and not there: the C library asks for it first and then uses `clone`, whose flags can be read here.
const ABSENT: &[i64] = &[libc::SYS_clone3];

/// Puts the filters in force for this process and all that come from it. For good.
///
/// # Errors
/// The kernel takes no filters.
pub(super) fn install() -> Result<(), String> {
    for filter in [forbidding()?, known()?] {
        apply_filter(&filter).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

/// What is forbidden says EPERM.
fn forbidding() -> Result<BpfProgram, String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = FORBIDDEN.iter().map(|number| (*number, Vec::new())).collect();
    let is = |argument, operator, value: i64| {
        let value = u64::try_from(value).map_err(|error| error.to_string())?;
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
        SeccompRule::new(vec![condition.map_err(|error| error.to_string())?]).map_err(|error| error.to_string())
    };
    // Sockets between processes of the session, and none else: no address of any network, and no netlink.
    let other = is(0, SeccompCmpOp::Ne, libc::AF_UNIX.into())?;
    rules.insert(libc::SYS_socket, vec![other.clone()]);
    rules.insert(libc::SYS_socketpair, vec![other]);
    let spaces = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    let flag = |flag: i32| is(0, SeccompCmpOp::MaskedEq(flag.unsigned_abs().into()), flag.into());
    rules.insert(libc::SYS_clone, spaces.into_iter().map(flag).collect::<Result<_, _>>()?);
    // Characters typed into a terminal of somebody else.
    let typed = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| request as i64);
    rules.insert(
        libc::SYS_ioctl,
        typed.into_iter().map(|request| is(1, SeccompCmpOp::Eq, request)).collect::<Result<_, _>>()?,
    );
    program(rules, SeccompAction::Allow, errno(libc::EPERM))
}

/// What nobody looked at says ENOSYS.
fn known() -> Result<BpfProgram, String> {
    let known = KNOWN.into_iter().flatten().filter(|number| !ABSENT.contains(number));
    let rules = known.map(|number| (number, Vec::new())).collect();
    program(rules, errno(libc::ENOSYS), SeccompAction::Allow)
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, String> {
    let filter = SeccompFilter::new(rules, otherwise, matched, TargetArch::x86_64);
    filter.and_then(BpfProgram::try_from).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_can_be_made_and_everything_forbidden_is_known() {
        assert!(forbidding().is_ok_and(|filter| filter.len() > FORBIDDEN.len()));
        assert!(known().is_ok_and(|filter| filter.len() > 300));
        for number in FORBIDDEN.iter().chain(ABSENT) {
            assert!(KNOWN.iter().any(|range| range.contains(number)), "{number} is beyond what was looked at");
        }
    }
}
