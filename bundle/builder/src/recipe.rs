//! The recipe: which parts the bundle has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The parts of the bundle, in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// One entry for each part.
    #[serde(rename = "part")]
    pub parts: Vec<Ingredient>,
}

/// What becomes a part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingredient {
    /// What people call it.
    pub name: String,
    /// The crate under components/.
    #[serde(rename = "crate")]
    pub package: String,
    /// The interface that it exports, and nothing else.
    pub interface: String,
    /// The world that it targets.
    pub world: String,
    /// What it does, on one line.
    pub description: String,
}

impl Recipe {
    /// Reads the recipe.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not a recipe, or names something twice.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a recipe", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let recipe: Self = toml::from_str(text)?;
        for (at, part) in recipe.parts.iter().enumerate() {
            let earlier = &recipe.parts[..at];
            if earlier.iter().any(|other| other.name == part.name) {
                bail!("two parts are called {}", part.name);
            }
            // It becomes the name of a file beside bundle.wasm.
            let plain = part.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if part.name.is_empty() || part.name == "bundle" || !plain {
                bail!(
                    "`{}` cannot be the name of a part: use lower-case letters, digits and `-`, and not `bundle`",
                    part.name
                );
            }
        }
        Ok(recipe)
    }
}

impl Ingredient {
    /// The file that cargo writes for the crate.
    pub fn module(&self) -> String {
        format!("{}.wasm", self.package.replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str) -> String {
        format!(
            "[[part]]\nname = {name:?}\ncrate = \"vox-a-b\"\ninterface = \"i\"\nworld = \"w\"\ndescription = \"d\"\n"
        )
    }

    #[test]
    fn a_recipe_is_read_in_order() {
        let recipe = Recipe::parse(&(part("b") + &part("a"))).unwrap();
        let names: Vec<_> = recipe.parts.iter().map(|part| &part.name).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(recipe.parts[0].module(), "vox_a_b.wasm");
    }

    #[test]
    fn wrong_names_are_refused() {
        for recipe in [part("a") + &part("a"), part("bundle"), part("../a"), part("")] {
            assert!(Recipe::parse(&recipe).is_err(), "{recipe}");
        }
        assert!(Recipe::parse(&(part("a") + "extra = 1\n")).is_err());
    }
}
