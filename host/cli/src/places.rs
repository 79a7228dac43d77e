//! Where vox keeps things. With [`crate::cli`] the only reader of the environment.

use crate::error::{CliError, Kind};
use etcetera::BaseStrategy as _;
use std::path::PathBuf;

/// The folder of the cache: `$VOX_HOME/cache`, else `vox` in the user's cache folder (XDG Base Directory 0.8).
pub fn cache() -> Result<PathBuf, CliError> {
    if let Some(home) = std::env::var_os("VOX_HOME").filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home).join("cache"));
    }
    etcetera::base_strategy::Xdg::new().map(|places| places.cache_dir().join("vox")).map_err(|_| {
        CliError::new(Kind::Missing, "there is no home folder to keep the cache in")
            .help("set VOX_HOME to a folder of yours")
    })
}

/// The folder of grants, secrets, audit, staged changes and stores: `$VOX_HOME/state`, else `vox` in the user's folder
/// for state.
pub fn state() -> Result<PathBuf, CliError> {
    if let Some(home) = std::env::var_os("VOX_HOME").filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home).join("state"));
    }
    let places = etcetera::base_strategy::Xdg::new().ok();
    places.and_then(|places| places.state_dir()).map(|folder| folder.join("vox")).ok_or_else(|| {
        CliError::new(Kind::Missing, "there is no home folder to keep grants in")
            .help("set VOX_HOME to a folder of yours")
    })
}

/// The folder of staged changes.
pub fn changes() -> Result<PathBuf, CliError> {
    Ok(state()?.join("changes"))
}

/// The folder of what runs programs: sessions while they start, measurements, locks of devices.
pub fn containers() -> Result<PathBuf, CliError> {
    Ok(state()?.join("containers"))
}

/// The folder where scripts lie while they run.
pub fn scripts() -> Result<PathBuf, CliError> {
    Ok(state()?.join("scripts"))
}

/// The values that variables have here, of those that are set.
///
/// # Errors
/// One of them is no text.
pub fn variables<'n>(names: impl IntoIterator<Item = &'n String>) -> Result<Vec<(String, String)>, CliError> {
    let set = names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    set.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name.clone(), value)),
        Err(_) => Err(CliError::usage(format!("the value of the variable `{name}` is not UTF-8 text"))),
    })
    .collect()
}

/// A bundle that stands in for the embedded one: for tests of freshly built components.
pub fn bundle() -> Option<PathBuf> {
    std::env::var_os("VOX_BUNDLE_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}
