//! The one list of capabilities, and what follows from it: what can be granted, what a manifest can ask for.
//!
//! Each line is a crate below this folder with a `Grant`, what a person gives, and a `Request`, what a manifest asks for.
//! Adding a capability is adding a folder and a line here; `glue` says how its state is made and linked.

use crate::manifest::file::{About, Limits, Runtime, Script, Section};
use crate::manifest::serve::Written;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use vox_cap_subprocess::gpu as vox_cap_gpu;
use vox_model::{Capability, GrantSet};

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident: $krate:ident),* $(,)?) => {
        /// What a person gave a skill. The default is nothing, and nothing here gives more than it says.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Granted {
            $($(#[$doc])* #[serde(skip_serializing_if = "is_default")] pub $name: $krate::Grant,)*
        }

        $(impl AsRef<$krate::Grant> for Granted {
            fn as_ref(&self) -> &$krate::Grant {
                &self.$name
            }
        })*

        /// What a manifest asks for, one section for each capability. A request gives nothing.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Requests {
            $($(#[$doc])* pub $name: $krate::Request,)*
        }

        impl GrantSet for Granted {
            fn merge(&mut self, other: &Self) {
                $(self.$name.merge(&other.$name);)*
            }

            fn subtract(&mut self, denied: &Self) {
                $(self.$name.subtract(&denied.$name);)*
            }

            fn without(&self, other: &Self) -> Self {
                Self { $($name: self.$name.without(&other.$name),)* }
            }

            fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            fn describe(&self) -> Vec<String> {
                [$(self.$name.describe(),)*].concat()
            }

            fn capabilities(&self) -> BTreeSet<Capability> {
                let mut all = BTreeSet::new();
                $(all.extend(self.$name.capabilities());)*
                all
            }
        }

        impl Granted {
            /// The flags that would give what is asked for under a capability and not granted.
            pub fn missing(&self, requests: &Requests, capability: Capability) -> Vec<String> {
                let mut flags = Vec::new();
                $(if $krate::Grant::SERVES.contains(&capability) {
                    flags.extend(self.$name.missing(&requests.$name));
                })*
                flags
            }
        }

        /// `skill.toml` for editors: the same as [`File`] without places.
        #[derive(JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(title = "skill.toml", description = "What a skill of vox is and what it asks for.")]
        #[allow(dead_code, reason = "it describes the format and is never made")]
        pub(crate) struct FileSchema {
            /// What the skill is.
            skill: Option<About>,
            /// What it needs, and what it promises not to use. Without it the skill gets nothing.
            runtime: Option<Runtime>,
            /// Limits in place of the defaults.
            limits: Option<Limits>,
            /// The scripts of a skill that is a folder of scripts.
            script: Option<Vec<Script>>,
            /// Imported interfaces, by name, that a command in a container serves.
            serve: Option<BTreeMap<String, Written>>,
            $($(#[$doc])* $name: Option<$krate::Request>,)*
        }

        /// `skill.toml` as it is written.
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct File {
            /// What the skill is.
            pub(crate) skill: About,
            /// What it needs, and what it promises not to use. Without it the skill gets nothing.
            pub(crate) runtime: Runtime,
            /// Limits in place of the defaults.
            pub(crate) limits: Limits,
            /// The scripts of a skill that is a folder of scripts.
            pub(crate) script: Vec<Script>,
            /// Imported interfaces that a command in a container serves.
            pub(crate) serve: BTreeMap<Spanned<String>, Written>,
            $($(#[$doc])* pub(crate) $name: Option<Spanned<$krate::Request>>,)*
        }

        impl File {
            /// The sections that were written: their names, the words that they belong to, and their places.
            pub(crate) fn sections(&self) -> Vec<Section> {
                let mut written = Vec::new();
                $(if let Some(section) = &self.$name {
                    let (name, serves) = (stringify!($name), $krate::Grant::SERVES);
                    written.push(Section { name, serves, span: section.span() });
                })*
                written
            }

            /// What the sections ask for.
            pub(crate) fn requests(&mut self) -> Requests {
                Requests { $($name: self.$name.take().map(Spanned::into_inner).unwrap_or_default(),)* }
            }
        }
    };
}

capabilities! {
    /// Folders.
    files: vox_cap_files,
    /// Places on the network, and the secrets that go along.
    http: vox_cap_http,
    /// A store of the skill's own.
    kv: vox_cap_kv,
    /// Settings by name.
    config: vox_cap_config,
    /// Log lines.
    log: vox_cap_log,
    /// The real time.
    clock: vox_cap_clock,
    /// Where randomness comes from.
    random: vox_cap_random,
    /// Programs, and the variables that are set for them.
    subprocess: vox_cap_subprocess,
    /// Accelerators for programs.
    gpu: vox_cap_gpu,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
