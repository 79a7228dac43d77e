//! Any call on a file fails: out of space, out of descriptors, a broken disk, a signal.

use crate::approve::Approve;
use crate::campaign::{Campaign, Subject};
use crate::subjects::{Compile, Grant, Keep};
use vox_tests::needs::seed;
use vox_tests::strace::Strike;
use vox_tests::{need, places};

const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EDQUOT", "EMFILE", "EINTR"];

/// Calls that are left out: closing frees a descriptor whatever it says and nobody listens; the others do nothing to a
/// file of vox's.
const OTHERS: [&str; 3] = ["close", "execve", "getcwd"];

fn failed(subject: &impl Subject, few: usize) {
    let Some(campaign) = Campaign::new(subject) else { return };
    let calls = campaign.all().into_iter().filter(|call| !OTHERS.contains(&call.name.as_str()));
    let points: Vec<_> = calls.flat_map(|call| ERRORS.map(|error| (call.clone(), Strike::Error(error)))).collect();
    campaign.strike(&points, few, seed());
}

#[test]
fn an_approval_that_meets_an_error_is_old_or_new() {
    failed(&Approve::default(), 14);
}

#[test]
fn a_grant_that_meets_an_error_is_given_or_not() {
    need!("the guest `store`", places::guest("store"));
    failed(&Grant::default(), 6);
}

#[test]
fn a_value_that_meets_an_error_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    failed(&Keep::new(true), 6);
}

#[test]
fn a_first_value_that_meets_an_error_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    failed(&Keep::new(false), 6);
}

#[test]
fn an_entry_of_the_cache_that_meets_an_error_is_there_or_not() {
    failed(&Compile::default(), 6);
}
