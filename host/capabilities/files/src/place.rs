//! What is done with places.

use crate::tree::Place;

impl Place {
    /// The place of a name in this directory.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    /// The directory that holds this place; none for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, parents)| Self(parents.to_vec()))
    }

    /// Whether this place lies in that one, and is not it.
    pub(crate) fn is_inside(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Reads what [`Place`] writes, strictly: names joined by `/`, nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        let fine = |name: &String| !matches!(name.as_str(), "" | "." | "..") && !name.contains('\0');
        names.iter().all(fine).then_some(Self(names))
    }
}
