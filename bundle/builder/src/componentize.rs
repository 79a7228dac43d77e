//! From a core module to a documented component that imports nothing.

use std::path::Path;

use anyhow::{Context, Result, bail};
use vox_inspect::docs::{self, Docs};
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{PackageId, Resolve, WorldItem};

use crate::recipe::Ingredient;

/// The WIT package that the parts serve.
pub struct Wit {
    resolve: Resolve,
    package: PackageId,
}

impl Wit {
    /// Reads the package from its folder.
    ///
    /// # Errors
    ///
    /// When the folder holds no valid package.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) =
            resolve.push_dir(folder).with_context(|| format!("{} holds no WIT package", folder.display()))?;
        Ok(Self { resolve, package })
    }

    fn docs(&self, interface: &str) -> Docs {
        Docs::from_wit(&self.resolve, self.package).only(interface)
    }
}

/// Makes the component of a part.
///
/// # Errors
///
/// When the module does not serve the interface of the recipe, serves more, or imports anything.
pub fn run(wit: &Wit, ingredient: &Ingredient, module: &[u8]) -> Result<Vec<u8>> {
    let mut component = ComponentEncoder::default()
        .module(module)
        .context("the module does not say which world it targets")?
        .validate(true)
        .encode()
        .context("the module does not fit its world")?;
    check(&component, &ingredient.interface)?;

    let docs = wit.docs(&ingredient.interface);
    if docs.is_empty() {
        bail!("the WIT package has no documentation of {}", ingredient.interface);
    }
    CustomSection { name: docs::SECTION.into(), data: docs.to_section().into() }.append_to_component(&mut component);
    // Not only what the encoder made, but the very bytes that are shipped.
    wasmparser::Validator::new().validate_all(&component).context("the component is not valid")?;
    Ok(component)
}

/// Whether the component exports exactly this interface and imports nothing at all.
fn check(component: &[u8], interface: &str) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("the result is a WIT package, not a component");
    };
    let names = |items: &mut dyn Iterator<Item = (_, &WorldItem)>| -> Vec<String> {
        items.map(|(key, _)| resolve.name_world_key(key)).collect()
    };
    let world = &resolve.worlds[world];
    let imports = names(&mut world.imports.iter());
    if !imports.is_empty() {
        bail!("it imports {}; a part of the bundle imports nothing", imports.join(", "));
    }
    let exports = names(&mut world.exports.iter());
    if exports != [interface] {
        bail!("it exports {}; the recipe says {interface} and nothing else", exports.join(", "));
    }
    Ok(())
}
