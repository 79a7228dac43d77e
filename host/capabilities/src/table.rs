//! Which interface leads to which need.

use vox_model::{Capability, InterfaceId};

/// What an import means for the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Base WASI: linked without effect unless something is granted.
    Inert,
    /// Base WASI that is not linked at all: every function of it traps.
    Blocked,
    /// Asks for a capability.
    Needs(Capability),
}

/// One row: the interfaces of a package, the versions that link, and what they mean.
struct Row {
    package: &'static str,
    /// Interfaces, none for all of the package.
    interfaces: Option<&'static [&'static str]>,
    /// What a version has to start with.
    version: &'static str,
    class: Class,
}

const WASI: &str = "0.2.";

const fn row(
    package: &'static str,
    interfaces: Option<&'static [&'static str]>,
    version: &'static str,
    class: Class,
) -> Row {
    Row { package, interfaces, version, class }
}

const ROWS: &[Row] = &[
    row("wasi:io", None, WASI, Class::Inert),
    row("wasi:clocks", Some(&["timezone"]), WASI, Class::Blocked),
    row("wasi:clocks", None, WASI, Class::Inert),
    row("wasi:random", None, WASI, Class::Inert),
    row("wasi:cli", None, WASI, Class::Inert),
    row("wasi:filesystem", None, WASI, Class::Inert),
    row("wasi:sockets", None, WASI, Class::Blocked),
    // Requests and responses as data, which services import too: they reach nothing by themselves.
    row("wasi:http", Some(&["types"]), WASI, Class::Blocked),
    row("wasi:http", None, WASI, Class::Needs(Capability::HttpOut)),
    row("wasi:keyvalue", None, WASI, Class::Needs(Capability::Kv)),
    row("wasi:config", None, WASI, Class::Needs(Capability::Config)),
    row("wasi:logging", None, "0.1.", Class::Needs(Capability::Log)),
    row("vox:skill", Some(&["logging"]), "0.1.", Class::Needs(Capability::Log)),
    row("vox:skill", Some(&["processes"]), "0.1.", Class::Needs(Capability::Subprocess)),
    row("vox:skill", Some(&["accelerators"]), "0.1.", Class::Needs(Capability::Gpu)),
];

/// What an import of this interface means; none when nothing here serves it, in any version or in this one.
pub fn class(interface: &InterfaceId) -> Option<Class> {
    let serves = |row: &&Row| {
        row.package == interface.package
            && row.interfaces.is_none_or(|names| names.contains(&interface.name.as_str()))
            && interface.version.as_deref().is_some_and(|v| v.starts_with(row.version))
    };
    ROWS.iter().find(serves).map(|row| row.class)
}

/// The versions that would be served of an interface whose version is not.
pub fn served_version(interface: &InterfaceId) -> Option<&'static str> {
    let row = ROWS.iter().find(|row| row.package == interface.package)?;
    Some(row.version.trim_end_matches('.'))
}
