//! A grant that is simple enough to be obviously right: pairs of a capability and a word.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use vox_ledger::{Asking, Consent, Decision, GrantSet, NewGrant, Terms};
use vox_model::{Capability, Digest};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Toy(pub BTreeSet<(Capability, String)>);

impl GrantSet for Toy {
    fn merge(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }
    fn subtract(&mut self, denied: &Self) {
        self.0.retain(|one| !denied.0.contains(one));
    }
    fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    fn describe(&self) -> Vec<String> {
        self.0.iter().map(|(capability, word)| format!("{capability} {word}")).collect()
    }
    fn capabilities(&self) -> BTreeSet<Capability> {
        self.0.iter().map(|(capability, _)| *capability).collect()
    }
}

pub fn http(words: &[&str]) -> Toy {
    Toy(words.iter().map(|word| (Capability::HttpOut, (*word).to_owned())).collect())
}

pub fn files(words: &[&str]) -> Toy {
    Toy(words.iter().map(|word| (Capability::FilesystemRo, (*word).to_owned())).collect())
}

pub fn both(mut a: Toy, b: &Toy) -> Toy {
    a.merge(b);
    a
}

/// A skill of that name whose content and consent are told apart by a number each.
pub fn skill(package: &str, digest: u8, consent: u8) -> Asking {
    Asking { package: package.to_owned(), digest: Digest([digest; 32]), consent: Consent(Digest([consent; 32])) }
}

pub fn allow(asking: &Asking, grant: Toy) -> NewGrant<Toy> {
    NewGrant { asking: asking.clone(), decision: Decision::Allow, grant, terms: Terms::default() }
}
