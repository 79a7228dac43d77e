//! Killed before any call that changes the disk.

use crate::approve::Approve;
use crate::campaign::{Campaign, Subject};
use crate::subjects::{Compile, Grant, Keep};
use vox_tests::needs::seed;
use vox_tests::strace::Strike;
use vox_tests::{need, places};

/// Kills at some of the calls that change something, and says how many there are.
fn killed(subject: &impl Subject, few: usize, at_least: usize) {
    let Some(campaign) = Campaign::new(subject) else { return };
    let points: Vec<_> = campaign.changing().into_iter().map(|call| (call, Strike::Kill)).collect();
    assert!(points.len() >= at_least, "only {} calls that change anything: {points:#?}", points.len());
    campaign.strike(&points, few, seed());
}

#[test]
fn an_approval_that_is_killed_is_old_or_new() {
    killed(&Approve::default(), 10, 300);
}

#[test]
fn a_grant_that_is_killed_is_given_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Grant::default(), 5, 4);
}

#[test]
fn a_value_that_is_killed_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Keep::new(true), 5, 20);
}

#[test]
fn a_first_value_that_is_killed_is_kept_or_not() {
    need!("the guest `store`", places::guest("store"));
    killed(&Keep::new(false), 5, 20);
}

#[test]
fn an_entry_of_the_cache_that_is_killed_is_there_or_not() {
    killed(&Compile::default(), 5, 10);
}
